"""Statistics of rollouts, and of the held-out truth in the same way.

``items`` is always [U, T]: the item of each user at each step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.store import IntArray

FloatArray = NDArray[np.float64]

CUTOFF = 10
BINS = 20  # of popularity, each 5 percentiles wide
MOST_PAIRS = 200_000  # of users whose rollouts are compared


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


def repeats(items: IntArray) -> FloatArray:
    """[T] the share of users whose item was in their rollout before."""
    seen = [(items[:, :step] == items[:, step : step + 1]).any(1) for step in range(items.shape[1])]
    return np.array([one.mean() for one in seen])


def coverage(items: IntArray, n_items: int) -> FloatArray:
    """[T] distinct items over all users, as a share of the ``n_items`` there are."""
    return np.array([len(np.unique(column)) / n_items for column in items.T])


def gini(items: IntArray, n_items: int) -> FloatArray:
    """[T] Gini coefficient of how often each of ``n_items`` items was taken.

    Σ_i (2 i - n - 1) x_i / (n Σ x), x ascending: 0 where all are taken alike.
    """
    return np.array(
        [gini_of_counts(np.bincount(column, minlength=n_items + 1)[1:]) for column in items.T]
    )


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
    one, other = items[pairs[:, 0]], items[pairs[:, 1]]
    means = []
    for step in range(1, items.shape[1] + 1):
        a, b = one[:, :step], other[:, :step]
        first_a, first_b = _first(a), _first(b)
        common = ((a[:, :, None] == b[:, None, :]).any(2) & first_a).sum(1)
        means.append((common / (first_a.sum(1) + first_b.sum(1) - common)).mean())
    return np.array(means)


def _first(items: IntArray) -> NDArray[np.bool_]:
    """[U, T] whether an item stands for the first time in its row."""
    later = np.tril(np.ones((items.shape[1],) * 2, dtype=bool), -1)
    return ~((items[:, :, None] == items[:, None, :]) & later).any(2)


def popularity_distribution(items: IntArray, percentiles: FloatArray) -> FloatArray:
    """[T, BINS] how the items of each step spread over popularity, rows of sum 1."""
    bins = np.minimum((percentiles[items] * BINS / 100).astype(np.int64), BINS - 1)
    counts = np.stack([np.bincount(column, minlength=BINS) for column in bins.T])
    return counts / counts.sum(1, keepdims=True)


def jensen_shannon(p: FloatArray, q: FloatArray) -> FloatArray:
    """[T, B], [T, B] -> [T] divergence in bits: 0 for equal, 1 for disjoint distributions."""
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def _relative_entropy(p: FloatArray, q: FloatArray) -> FloatArray:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return (p * np.log2(ratio)).sum(-1)


def hits(ranks: FloatArray, truth: IntArray, k: int = CUTOFF) -> dict[str, FloatArray]:
    """HR and NDCG of each step.

    Args:
        ranks: [U, T, T] entry u, t, j: the rank at step t of the truth's item j.
        truth: [U, T]; an item that it holds twice counts once in the set.

    Returns:
        By name [T]: against item t (``HR@10``, ``NDCG@10``), and against the set of all T.
    """
    own = np.diagonal(ranks, axis1=1, axis2=2)  # [U, T]
    gains = np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)
    distinct = _first(truth)
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))
    best = ideal[np.minimum(distinct.sum(1), k) - 1]
    return {
        f"HR@{k}": (own <= k).mean(0),
        f"NDCG@{k}": np.diagonal(gains, axis1=1, axis2=2).mean(0),
        f"HR@{k}_set": (ranks <= k).any(2).mean(0),
        f"NDCG@{k}_set": ((gains * distinct[:, None, :]).sum(2) / best[:, None]).mean(0),
    }
