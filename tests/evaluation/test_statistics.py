"""Statistics of recommended items, worked by hand."""

from __future__ import annotations

import math
import tracemalloc

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


@pytest.mark.parametrize("most", [1, 80, 4_000_000])
def test_overlaps_by_chunks_are_those_of_sets(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with repeats, in chunks of one row, of two and all at once."""
    monkeypatch.setattr(statistics, "MOST_CELLS", most)
    items = np.random.default_rng(3).integers(1, 9, (23, 6))
    pairs = statistics.sampled_pairs(23)
    sets = [[{*row[:step]} for row in items.tolist()] for step in range(1, 7)]
    expected = [
        np.mean([len(of[a] & of[b]) / len(of[a] | of[b]) for a, b in pairs.tolist()]) for of in sets
    ]
    assert statistics.jaccard(items, pairs).tolist() == expected
    assert statistics.whole_jaccard(items, pairs) == expected[-1]
    firsts = [[item not in row[:t] for t, item in enumerate(row)] for row in items.tolist()]
    assert statistics.first_in_row(items).tolist() == firsts


def test_memory_of_many_pairs_is_bounded() -> None:
    """All pairs of 300 rows of 40 items, or 45,000 rows, would be 72 MB at once."""
    items = np.random.default_rng(3).integers(1, 99, (300, 40))
    pairs, many = statistics.sampled_pairs(300), np.tile(items, (150, 1))
    tracemalloc.start()
    statistics.whole_jaccard(items, pairs)
    statistics.first_in_row(many)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


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
