"""An evaluation of rollouts as a table. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HEADERS = {
    "HR@10": "HR@10",
    "NDCG@10": "NDCG@10",
    "HR@10_set": "HR@10 set",
    "NDCG@10_set": "NDCG@10 set",
    "entropy": "entropy",
    "popularity": "popularity",
    "repeats": "repeats",
    "coverage": "coverage",
    "gini": "Gini",
    "jaccard": "Jaccard",
    "js_divergence": "JSD",
}
LEGEND = (
    "HR, NDCG: of step t against held-out item t; set: against all held-out items. entropy: of the "
    "predictive distribution, nats. popularity: mean percentile among items. repeats: share of "
    "users who have got the item before in the rollout. coverage: distinct items / items. "
    "Jaccard: mean overlap of two users up to the step. JSD: of the popularity distribution from "
    "the held-out items', bits."
)


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The table: each step of the rollouts, the same of the held-out items, what columns mean."""
    from tabulate import tabulate

    steps, users = report["options"]["steps"], report["users"]
    yield (
        f"{report['model']} on {report['dataset']}, {report['options']['decode']}: {users:,} users "
        f"with {report['holdout'] + 2} items or more ({report['users_left_out']:,} left out)"
    )
    rows = [
        [who if step == 0 else "", step + 1, *(_cell(part, name, step) for name in HEADERS)]
        for who, part in (
            ("rollouts", report["model_statistics"]),
            ("held out", report["truth_statistics"]),
        )
        for step in range(steps)
    ]
    yield tabulate(rows, ("", "step", *HEADERS.values()), floatfmt=".4f", missingval="-")
    yield LEGEND


def _cell(statistics: Mapping[str, Any], name: str, step: int) -> float | None:
    values = statistics.get(name)
    return None if values is None else values[step]
