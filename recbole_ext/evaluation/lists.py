"""RecBole's metrics of the recommended lists (coverage, Gini, popularity ...), on our top k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from recbole.evaluator.collector import DataStruct
from recbole.evaluator.register import metrics_dict
from torch import Tensor

from recbole_ext.data.popularity import interaction_counts
from recbole_ext.data.store import SequenceStore
from recbole_ext.evaluation.metrics import canonical
from recbole_ext.nn.top import top_k

EXACT = 15  # decimals: RecBole rounds to metric_decimal_place, which is for showing


def list_metrics(
    config: Any, names: Sequence[str], recommended: Tensor, store: SequenceStore, train_end: Any
) -> dict[str, float]:
    """Computed by RecBole's own metric classes.

    Args:
        recommended: [U, max k] item ids, best first; fewer columns where there are fewer items:
            a larger k is then of all of them.
        train_end: [n_users] ends of the training parts; popularity counts those alone.
    """
    data = DataStruct()
    data.set("rec.items", recommended)
    data.set("data.num_items", store.n_items)
    data.set("data.count_items", counts_by_item(store, train_end))
    values: dict[str, float] = {}
    for name in names:
        metric = metrics_dict[name.lower()](config)
        metric.decimal_place = EXACT
        asked = {k: min(k, recommended.shape[1]) for k in metric.topk}
        metric.topk = sorted(set(asked.values()))
        result = metric.calculate_metric(data)
        values |= {
            canonical(f"{name}@{k}"): float(result[f"{name.lower()}@{there}"])
            for k, there in asked.items()
        }
    return values


def counts_by_item(store: SequenceStore, train_end: Any) -> Counter[int]:
    """How often each item occurs in the training parts."""
    counts = interaction_counts(store, train_end)
    items = np.flatnonzero(counts)
    return Counter(dict(zip(items.tolist(), counts[items].tolist(), strict=True)))


def top_items(scores: Tensor, k: int) -> Tensor:
    """[B, k] best items, PAD excluded; of equal ones the lower id first."""
    return top_k(scores[:, 1:], min(k, scores.shape[1] - 1))[1] + 1
