"""Metrics as functions of the rank."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_ext.evaluation.metrics import canonical, per_user, split_metrics, summarize

RANKS = np.array([1.0, 2.0, 3.5, 5.0, 5.5, 11.0])


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("Hit", [1, 1, 1, 1, 0, 0]),
        ("Recall", [1, 1, 1, 1, 0, 0]),
        ("Precision", [0.2, 0.2, 0.2, 0.2, 0, 0]),
        ("MRR", [1, 1 / 2, 1 / 3.5, 1 / 5, 0, 0]),
        ("MAP", [1, 1 / 2, 1 / 3.5, 1 / 5, 0, 0]),
        ("NDCG", [1, 1 / math.log2(3), 1 / math.log2(4.5), 1 / math.log2(6), 0, 0]),
    ],
)
def test_by_hand(metric: str, values: list[float]) -> None:
    assert per_user(metric, RANKS, 5).tolist() == pytest.approx(values, abs=1e-15)
    mean = sum(values) / len(values)
    assert summarize(RANKS, [metric], [5]) == {f"{metric}@5": pytest.approx(mean, abs=1e-15)}


def test_summary_names_every_metric_and_cut_off() -> None:
    names = list(summarize(RANKS, ["Hit", "NDCG"], [5, 10]))
    assert names == ["Hit@5", "Hit@10", "NDCG@5", "NDCG@10"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ndcg@10", "NDCG@10"),
        ("MRR@5_Seen_Masked", "MRR@5_seen_masked"),
        ("hit", "Hit"),
        ("GiniIndex@10", "GiniIndex@10"),
    ],
)
def test_canonical(given: str, expected: str) -> None:
    assert canonical(given) == expected


def test_metrics_of_ranks_and_of_lists() -> None:
    found = split_metrics(["ndcg", "GiniIndex", "Hit", "NDCG", "ItemCoverage"])
    assert found == (["NDCG", "Hit"], ["GiniIndex", "ItemCoverage"])
