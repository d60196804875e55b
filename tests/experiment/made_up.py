"""Results of runs that never were: what a report is made from, in known numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from recbole_ext.evaluation.metrics import summarize
from recbole_ext.evaluation.per_user import PerUser
from recbole_ext.training.history import to_csv

USERS = 200
PARTS = ("valid", "valid_seen_masked", "test", "test_seen_masked")


def made_up_users(quality: float, seed: int, users: int = USERS) -> PerUser:
    """Users whose ranks are the smaller the larger ``quality`` is."""
    rng = np.random.default_rng(seed)
    ranks = 1.0 + rng.integers(0, int(60 / quality), users)
    fixed = np.random.default_rng(99)  # the data: the same for every model
    return PerUser(
        np.arange(1, users + 1),
        ranks,
        np.maximum(1.0, ranks - 5),
        fixed.integers(1, 40, users),
        fixed.integers(2, 50, users),
        fixed.integers(1, 300, users),
    )


def write_run(
    out: Path, job: str, seed: int, quality: float, data: str = "d", **overrides: Any
) -> dict[str, Any]:
    """Leave ``<out>/<job>/<seed>`` as a comparison does; returns its metrics."""
    folder = out / job / str(seed)
    folder.mkdir(parents=True)
    users = made_up_users(quality, seed)
    names, topk = ("Hit", "NDCG", "MRR"), (5, 10, 20)
    kept = summarize(users.ranks, names, topk)
    masked = summarize(users.ranks_seen_masked, names, topk)
    metrics = {
        "model": "M", "dataset": "toy", "seed": seed, "valid": kept, "valid_seen_masked": masked,
        "test": kept, "test_seen_masked": masked, "best_epoch": 1, "epochs": 3,
        "seconds_per_epoch": 2.5, "train_seconds": 9.0, "device": "cpu",
        "parameters": int(1000 * quality),
        "data": {"users": USERS, "items": 40, "interactions": 999, "sha256": data},
    } | overrides  # fmt: skip
    epochs = [
        {
            "epoch": e,
            "loss": 3.0 - e,
            "seconds": 2.0 + e,
            "learning_rate": 0.001,
            "NDCG@10": 0.1 * e,
        }
        for e in range(3)
    ]
    (folder / "history.csv").write_text(to_csv(epochs))
    (folder / "experiment.yaml").write_text(yaml.safe_dump({"model": "M"}))
    users.write(folder / "ranks.safetensors", data)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return metrics


EXPERIMENT = """
title: Toy & test_1
baseline: toy_base
seeds: [1, 2]
tables:
  "a":
    title: First table
    jobs:
      toy_base: {model: FPARec, dataset: toy, paper: [0.25, ~]}
      toy_good: {model: PARec, dataset: toy, reported: {source: arXiv 2407.02793, table: "3",
                 data: Beauty, model: FPARec}}
      toy_bad: {model: VanillaAR, dataset: toy}
      toy_absent: {model: VanillaAR, dataset: toy, keys: {epochs: 9}}
"""


def write_all(folder: Path) -> tuple[Path, Path, dict[tuple[str, int], dict[str, Any]]]:
    """The file, its results, and the metrics of each run by job and seed."""
    file = folder / "toy.yaml"
    file.write_text(EXPERIMENT)
    out = folder / "out"
    found = {
        (job, seed): write_run(out, job, seed, quality)
        for job, quality in (("toy_base", 1.0), ("toy_good", 2.0))
        for seed in (1, 2)
    }
    found["toy_bad", 1] = write_run(out, "toy_bad", 1, 0.5)
    return file, out, found
