"""Statistics of recommended items: how popular, how unevenly spread, how alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from recbole_ext.data.store import IntArray
from recbole_ext.evaluation.metrics import FloatArray

MOST_PAIRS = 200_000  # of users whose items are compared
MOST_CELLS = 4_000_000  # of items against items that are held at once, a byte each


def popularity_percentiles(counts: IntArray) -> FloatArray:
    """counts [V] of the training part (PAD at 0) -> [V] the share of items less popular, in %.

    Items of equal popularity share the middle of their places, so the mean over items is 50.
    """
    ordered = np.sort(counts[1:])
    below = np.searchsorted(ordered, counts, side="left")
    above = np.searchsorted(ordered, counts, side="right")
    percentiles: FloatArray = 50.0 * (below + above) / max(len(ordered), 1)
    percentiles[0] = np.nan  # PAD is no item
    return percentiles


def gini_of_counts(counts: IntArray) -> float:
    """Gini coefficient of non-negative counts [n], of which one at least is positive."""
    n = len(counts)
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    return float((weights * np.sort(counts)).sum() / (n * counts.sum()))


def sampled_pairs(n_users: int, seed: int = 0, most: int = MOST_PAIRS) -> IntArray:
    """[P, 2] pairs of two users each: all if they are few, else ``most`` random ones.

    The same for every rollout of as many users, so that rollouts and truth are told of one sample.
    """
    if n_users * (n_users - 1) // 2 <= most:
        return np.stack(np.triu_indices(n_users, 1), 1)
    draw = np.random.default_rng(seed)
    first = draw.integers(n_users, size=most)
    second = draw.integers(n_users - 1, size=most)
    return np.stack([first, second + (second >= first)], 1)


def jaccard(items: IntArray, pairs: IntArray) -> FloatArray:
    """[T] mean overlap |A ∩ B| / |A ∪ B| of the items of two users up to each step."""
    if not len(pairs):
        return np.full(items.shape[1], np.nan)
    first = first_in_row(items)
    steps = range(1, items.shape[1] + 1)
    return np.array([_overlap(items[:, :step], first[:, :step], pairs) for step in steps])


def whole_jaccard(items: IntArray, pairs: IntArray) -> float:
    """The last of :func:`jaccard`, of one pair at least, without those before it."""
    return _overlap(items, first_in_row(items), pairs)


def _overlap(items: IntArray, first: NDArray[np.bool_], pairs: IntArray) -> float:
    parts = _chunks(len(pairs), items.shape[1])
    found = [_overlaps(items, first, *pairs[part].T) for part in parts]
    return float(np.concatenate(found).mean())


def _overlaps(
    items: IntArray, first: NDArray[np.bool_], one: IntArray, other: IntArray
) -> FloatArray:
    """[P] of each pair."""
    shared = (items[one][:, :, None] == items[other][:, None, :]).any(2)  # [P, T]
    common = (shared & first[one]).sum(1)
    overlaps: FloatArray = common / (first[one].sum(1) + first[other].sum(1) - common)
    return overlaps


def first_in_row(items: IntArray) -> NDArray[np.bool_]:
    """[U, T] whether an item stands for the first time in its row."""
    later = np.tril(np.ones((items.shape[1],) * 2, dtype=bool), -1)
    found = np.empty(items.shape, dtype=bool)
    for part in _chunks(*items.shape):
        rows = items[part]
        found[part] = ~((rows[:, :, None] == rows[:, None, :]) & later).any(2)
    return found


def _chunks(n_rows: int, length: int) -> Iterator[slice]:
    """All rows in parts whose [rows, length, length] has at most ``MOST_CELLS``, or of one row."""
    size = max(1, MOST_CELLS // max(1, length**2))
    return (slice(start, start + size) for start in range(0, n_rows, size))


def jensen_shannon(p: FloatArray, q: FloatArray) -> FloatArray:
    """[T, B], [T, B] -> [T] divergence in bits: 0 for equal, 1 for disjoint distributions."""
    distance: FloatArray = jensenshannon(p, q, base=2, axis=-1)
    return distance**2
