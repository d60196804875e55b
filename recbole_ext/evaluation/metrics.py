"""Metrics from ranks: one held-out item a user, so each is a function of its rank."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from recbole_ext.config.keys import IPS, LIST_METRICS, SEEN_MASKED

FloatArray = NDArray[np.float64]


def _hit(rank: FloatArray, k: int) -> FloatArray:
    return (rank <= k).astype(np.float64)


def _ndcg(rank: FloatArray, k: int) -> FloatArray:
    return np.where(rank <= k, 1.0 / np.log2(rank + 1.0), 0.0)


def _mrr(rank: FloatArray, k: int) -> FloatArray:
    return np.where(rank <= k, 1.0 / rank, 0.0)


def _precision(rank: FloatArray, k: int) -> FloatArray:
    return _hit(rank, k) / k


# With a single relevant item recall is the hit ratio and average precision the reciprocal rank.
RANK_METRICS: dict[str, Callable[[FloatArray, int], FloatArray]] = {
    "Hit": _hit,
    "Recall": _hit,
    "NDCG": _ndcg,
    "MRR": _mrr,
    "MAP": _mrr,
    "Precision": _precision,
}
_CANONICAL = {name.lower(): name for name in (*RANK_METRICS, *LIST_METRICS)}


def canonical(metric: str) -> str:
    """``ndcg@10_seen_masked`` -> ``NDCG@10_seen_masked``; unknown names come back unchanged."""
    name, at, rest = metric.partition("@")
    return f"{_CANONICAL.get(name.lower(), name)}{at}{rest.lower()}"


def per_user(metric: str, ranks: FloatArray, k: int) -> FloatArray:
    """[U] values of one metric at cut-off ``k``."""
    return RANK_METRICS[metric](ranks, k)


def summarize(
    ranks: FloatArray,
    metrics: Sequence[str],
    topk: Sequence[int],
    weights: FloatArray | None = None,
) -> dict[str, float]:
    """Means over users, e.g. ``{"Hit@5": ..., "NDCG@5": ...}``, in full precision.

    Args:
        weights: [U]; the mean is Σ w x / Σ w. With w the inverse propensity of the held-out item
            it is the self-normalised estimate (arXiv 1602.05352) of the mean that would be found
            had the logging system shown all items alike.
    """
    return {
        f"{metric}@{k}": float(np.average(per_user(metric, ranks, k), weights=weights))
        for metric in metrics
        for k in topk
    }


def protocol_of(name: str) -> str:
    """What follows a metric's name: ``""``, ``_seen_masked``, ``_ips`` or ``_ips_seen_masked``."""
    masked = SEEN_MASKED if name.endswith(SEEN_MASKED) else ""
    return (IPS if name.removesuffix(masked).endswith(IPS) else "") + masked


def split_metrics(metrics: Sequence[str]) -> tuple[list[str], list[str]]:
    """The configured metrics by kind: those of a rank, and those of the recommended lists."""
    names = [_CANONICAL.get(name.lower(), name) for name in metrics]
    names = list(dict.fromkeys(names))
    of_rank = [name for name in names if name in RANK_METRICS]
    return of_rank, [name for name in names if name not in RANK_METRICS]
