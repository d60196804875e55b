"""Exposure against consumption, on samples counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_ext.analysis.deciles import popularity_deciles
from recbole_ext.analysis.exposure import (
    by_decile,
    exposure_of,
    extremes,
    largest_ratio,
    of_lists,
    quality,
    seen_before,
    summary,
)
from recbole_ext.data.store import SequenceStore
from recbole_ext.inference.bounded import exposure_limits

CONSUMED = np.array([0, 40, 30, 20, 10, 0])  # PAD, items 1 .. 5
LISTS = np.array([[1, 2], [1, 4], [1, 0], [2, 1]])  # seven places filled


def test_exposure_leaves_empty_places_out() -> None:
    assert exposure_of(LISTS, 6).tolist() == [0, 4, 2, 0, 1, 0]


@pytest.mark.parametrize(
    ("counts", "gini", "coverage"),
    [
        ([9, 3, 3, 3, 3], 0.0, 1.0),  # PAD's 9 must not matter
        ([0, 8, 0, 0, 0], 0.75, 0.25),  # one of n items: 1 - 1/n
        ([0, 1, 2, 3, 4], 0.25, 1.0),  # Σ (2i - n - 1) x_i / (n Σ x) = (-3 - 2 + 3 + 12)/40
        ([0, 4, 0, 2, 0], 7 / 12, 0.5),  # (2 + 12)/24
    ],
)
def test_gini_and_coverage(counts: list[int], gini: float, coverage: float) -> None:
    found = summary(np.array(counts))
    pairs = np.abs(np.subtract.outer(counts[1:], counts[1:])).sum()
    assert found["gini"] == pytest.approx(pairs / (2 * 4 * sum(counts[1:])), rel=1e-12)
    assert found["gini"] == pytest.approx(gini, rel=1e-12)
    assert found["coverage"] == coverage


def test_nothing_is_shown() -> None:
    assert summary(np.zeros(4, np.int64)) == {"gini": None, "coverage": 0.0}


def test_deciles() -> None:
    deciles = popularity_deciles(np.array([999, *range(20, 0, -1)]))
    assert deciles[0] == 0 and deciles[1:].tolist() == [10 - i // 2 for i in range(20)]
    few = popularity_deciles(CONSUMED)  # 5 items: every other decile is empty
    assert few.tolist() == [0, 9, 7, 5, 3, 1]


def test_by_decile() -> None:
    rows = {row["decile"]: row for row in by_decile(CONSUMED, exposure_of(LISTS, 6), 8)}
    assert rows[9] == {
        "decile": 9, "items": 1, "consumed": 0.4, "exposed": 0.5,
        "ratio": pytest.approx(1.25), "coverage": 1.0,
    }  # fmt: skip
    assert rows[1]["ratio"] is None and rows[1]["coverage"] == 0.0
    assert rows[2]["items"] == 0 and rows[2]["coverage"] is None
    assert sum(row["exposed"] for row in rows.values()) == pytest.approx(7 / 8)


def test_quality_by_hand() -> None:
    found = quality(LISTS, np.array([1, 4, 3, 1]))
    assert found == {
        "Hit@2": 0.75,
        "NDCG@2": pytest.approx((1 + 1 / math.log2(3) + 0 + 1 / math.log2(3)) / 4),
    }


def test_targets_seen_before() -> None:
    """Of users 3 and 1; user 2 has had item 5 too, but is not asked for."""
    histories = SequenceStore(
        items=np.array([4, 2, 5, 3, 3, 5]), offsets=np.array([0, 0, 2, 4, 6]), n_items=6
    )
    users = np.array([3, 1])
    assert seen_before(histories, users, np.array([5, 5])).tolist() == [True, False]
    assert seen_before(histories, users, np.array([4, 4])).tolist() == [False, True]


def test_largest_ratio_and_extremes() -> None:
    exposure = exposure_of(LISTS, 6)
    assert largest_ratio(CONSUMED, exposure, 8) == pytest.approx(4 / 8 / 0.4)
    unknown = exposure + np.array([0, 0, 0, 0, 0, 1])
    assert largest_ratio(CONSUMED, unknown, 8) is None  # shown and never consumed: beyond any bound
    most, least = extremes(CONSUMED, exposure)
    assert most[0] == 1 and least[0] == 3


def test_all_of_it() -> None:
    found = of_lists(LISTS, np.array([1, 4, 3, 1]), CONSUMED)
    assert found["filled"] == 7 / 8 and found["Hit@2"] == 0.75 and len(found["deciles"]) == 10


def test_a_bound_is_kept_where_places_stay_empty() -> None:
    """Half of what was consumed: at most half of the places are filled, none beyond the bound."""
    limits = exposure_limits(CONSUMED, 0.5, 20)
    lists = np.zeros((10, 2), np.int64)
    lists.ravel()[: limits.sum()] = np.repeat(np.arange(6), limits)
    found = of_lists(lists, np.ones(10, np.int64), CONSUMED)
    assert found["filled"] == 0.5
    assert found["largest_ratio"] == pytest.approx(0.5)
