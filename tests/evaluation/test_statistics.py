"""Statistics of recommended items, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_ext.evaluation import statistics

# three users, three steps, items 1 to 5
ITEMS = np.array([[1, 1, 2], [1, 3, 1], [4, 3, 3]])


def test_popularity_percentiles() -> None:
    """Items 1 to 5 seen 7, 0, 2, 2 and 9 times; 3 and 4 share the places 20 to 60 %."""
    found = statistics.popularity_percentiles(np.array([0, 7, 0, 2, 2, 9]))
    assert math.isnan(found[0])
    assert found[1:].tolist() == [70.0, 10.0, 40.0, 40.0, 90.0]
    assert found[1:].mean() == 50.0


def test_jaccard() -> None:
    """Pairs (0,1), (0,2), (1,2); up to step 1 {1} {1} {4}, 2 {1} {13} {43}, 3 {12} {13} {43}."""
    pairs = statistics.sampled_pairs(3, seed=0)
    assert sorted(map(tuple, pairs.tolist())) == [(0, 1), (0, 2), (1, 2)]
    expected = [(1 + 0 + 0) / 3, (1 / 2 + 0 + 1 / 3) / 3, (1 / 3 + 0 + 1 / 3) / 3]
    assert statistics.jaccard(ITEMS, pairs).tolist() == pytest.approx(expected)
    assert statistics.whole_jaccard(ITEMS, pairs) == pytest.approx(expected[-1])


def test_nobody_to_compare_with() -> None:
    pairs = statistics.sampled_pairs(1, seed=0)
    assert np.isnan(statistics.jaccard(ITEMS[:1], pairs)).all()


def test_pairs_are_of_two_users_and_go_by_the_seed() -> None:
    pairs = statistics.sampled_pairs(1000, seed=4, most=5000)
    assert pairs.shape == (5000, 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert set(pairs.ravel()) == set(range(1000))
    assert np.array_equal(pairs, statistics.sampled_pairs(1000, seed=4, most=5000))
    assert not np.array_equal(pairs, statistics.sampled_pairs(1000, seed=5, most=5000))
    assert np.array_equal(statistics.sampled_pairs(1000), statistics.sampled_pairs(1000))


def test_jensen_shannon() -> None:
    """Of (1, 0) and (.5, .5): half of log2(4/3), and half of (.5 log2(2/3) + .5 log2 2)."""
    p = np.array([[1.0, 0.0], [1.0, 0.0], [0.25, 0.75]])
    q = np.array([[0.5, 0.5], [0.0, 1.0], [0.25, 0.75]])
    middle = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5) / 2
    assert statistics.jensen_shannon(p, q).tolist() == pytest.approx([middle, 1.0, 0.0])
    assert statistics.jensen_shannon(q, p).tolist() == pytest.approx([middle, 1.0, 0.0])
