"""Statistics of rollouts, and of the held-out truth in the same way.

``items`` is always [U, T]: the item of each user at each step.
"""

from __future__ import annotations

import numpy as np

from recbole_ext.data.store import IntArray
from recbole_ext.evaluation.metrics import per_user
from recbole_ext.evaluation.statistics import FloatArray, first_in_row, gini_of_counts

CUTOFF = 10
BINS = 20  # of popularity, each 5 percentiles wide


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


def popularity_distribution(items: IntArray, percentiles: FloatArray) -> FloatArray:
    """[T, BINS] how the items of each step spread over popularity, rows of sum 1."""
    bins = np.minimum((percentiles[items] * BINS / 100).astype(np.int64), BINS - 1)
    counts = np.stack([np.bincount(column, minlength=BINS) for column in bins.T])
    return counts / counts.sum(1, keepdims=True)


def hits(ranks: FloatArray, truth: IntArray, k: int = CUTOFF) -> dict[str, FloatArray]:
    """HR and NDCG of each step.

    Args:
        ranks: [U, T, T] entry u, t, j: the rank at step t of the truth's item j.
        truth: [U, T]; an item that it holds twice counts once in the set.

    Returns:
        By name [T]: against item t (``HR@10``, ``NDCG@10``), and against the set of all T.
    """
    found, gains = per_user("Hit", ranks, k), per_user("NDCG", ranks, k)
    distinct = first_in_row(truth)
    ideal = np.cumsum(per_user("NDCG", np.arange(1.0, k + 1.0), k))
    best = ideal[np.minimum(distinct.sum(1), k) - 1]
    return {
        f"HR@{k}": np.diagonal(found, axis1=1, axis2=2).mean(0),
        f"NDCG@{k}": np.diagonal(gains, axis1=1, axis2=2).mean(0),
        f"HR@{k}_set": found.max(2).mean(0),
        f"NDCG@{k}_set": ((gains * distinct[:, None, :]).sum(2) / best[:, None]).mean(0),
    }
