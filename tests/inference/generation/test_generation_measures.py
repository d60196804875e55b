"""Each statistic of rollouts, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_ext.inference.generation import measures

# three users, three steps, items 1 to 5
ITEMS = np.array([[1, 1, 2], [1, 3, 1], [4, 3, 3]])


def test_repeats() -> None:
    assert measures.repeats(ITEMS).tolist() == pytest.approx([0, 1 / 3, 2 / 3])


def test_coverage() -> None:
    assert measures.coverage(ITEMS, 5).tolist() == pytest.approx([2 / 5, 2 / 5, 3 / 5])


def test_gini() -> None:
    """Counts 0 0 1 2 over 4 items: (-3·0 - 1·0 + 1·1 + 3·2) / (4·3) = 7/12."""
    assert measures.gini(np.array([[1], [1], [4]]), 4).tolist() == pytest.approx([7 / 12])
    assert measures.gini(np.array([[1], [2], [3]]), 3).tolist() == pytest.approx([0.0])
    assert measures.gini(np.array([[1], [1]]), 4).tolist() == pytest.approx([3 / 4])  # 1 - 1/n


def test_popularity_distribution() -> None:
    """Percentiles 2, 52 and 100 fall into bins 0, 10 and 19 of 20."""
    percentiles = np.array([np.nan, 2.0, 52.0, 100.0])
    found = measures.popularity_distribution(np.array([[1, 3], [2, 3]]), percentiles)
    assert found.shape == (2, measures.BINS)
    assert (found[0, 0], found[0, 10], found[1, 19]) == (0.5, 0.5, 1.0)
    assert found.sum(1).tolist() == [1.0, 1.0]


def test_hits() -> None:
    """Two users, two steps. User 1: truth (5, 6), user 2: truth (7, 7), a set of one."""
    truth = np.array([[5, 6], [7, 7]])
    ranks = np.array([[[1.0, 3.0], [11.0, 10.0]], [[2.0, 2.0], [30.0, 30.0]]])
    found = measures.hits(ranks, truth)
    gain = {rank: 1 / math.log2(rank + 1) for rank in (1, 2, 3, 10)}
    assert found["HR@10"].tolist() == [1.0, 0.5]
    assert found["NDCG@10"].tolist() == pytest.approx([(gain[1] + gain[2]) / 2, gain[10] / 2])
    assert found["HR@10_set"].tolist() == [1.0, 0.5]
    two = gain[1] + gain[2]  # the ideal of two items
    assert found["NDCG@10_set"].tolist() == pytest.approx(
        [((gain[1] + gain[3]) / two + gain[2]) / 2, gain[10] / two / 2]
    )


def test_more_true_items_than_places() -> None:
    truth = np.arange(1, 13)[None]
    ranks = np.broadcast_to(np.arange(1.0, 13.0), (1, 12, 12))
    found = measures.hits(ranks, truth)
    assert found["NDCG@10_set"].tolist() == pytest.approx([1.0] * 12)
    assert found["HR@10"].tolist() == [1.0] * 10 + [0.0] * 2
