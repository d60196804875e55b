"""recbole_ext's test, both protocols in one pass, and its way from scores to metrics alone.

``args``: ``part``, ``test`` or ``matrix``; for the test ``model``, its name, and ``keys``, further
keys of its configuration. The model keeps its initial weights.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmarks.peers import scores
from benchmarks.peers.protocol import RankingFigures, RankingTask, answer, read_task, versions_of
from recbole_ext.config import ExtConfig
from recbole_ext.data.loading import load_data
from recbole_ext.evaluation.evaluator import Evaluation
from recbole_ext.evaluation.metrics import SEEN_MASKED, summarize
from recbole_ext.evaluation.ranks import Ranks, rank_targets
from recbole_ext.runner import assemble
from recbole_ext.training.run_folder import RunFolder
from recbole_ext.training.trainer import SequenceTrainer

METRICS, TOPK = ["Hit", "NDCG", "MRR"], [5, 10, 20]
SHAPE = {"n_layers": 2, "n_heads": 2, "hidden_size": 64}
SHOWN = (*SHAPE, "inner_size", "eval_batch_size")
PROTOCOLS = {"protocols": "seen items kept and masked"}


def configure(task: RankingTask) -> ExtConfig:
    """RecBole's SASRec's shape and metrics."""
    keys = {
        "data_path": task.data_path,
        "MAX_ITEM_LIST_LENGTH": task.max_length,
        "metrics": METRICS,
        "topk": TOPK,
        "use_gpu": False,
        **SHAPE,
        **task.args["keys"],
    }
    return ExtConfig(task.args["model"], task.dataset, config_dict=keys)


def test(task: RankingTask) -> RankingFigures:
    """Rank the data set's test items."""
    config = configure(task)
    flat = load_data(config)
    run = assemble(config, flat, RunFolder(Path.cwd()))
    passes = [_test_pass(run.trainer, run.loaders.test) for _ in range(task.passes)]
    store = flat.store
    sizes = {"users": store.n_users - 1, "items": store.n_items - 1}
    sizes["interactions"] = len(store.items)
    shown = {name: config[name] for name in SHOWN} | PROTOCOLS
    return _figures([p[0] for p in passes], passes[-1][1], len(run.loaders.test.rows), sizes, shown)


def _test_pass(trainer: SequenceTrainer, loader: Any) -> tuple[float, dict[str, float]]:
    started = perf_counter()
    found: Evaluation = trainer.rank(loader)
    return perf_counter() - started, found.flat()


def matrix(task: RankingTask) -> RankingFigures:
    """Rank drawn scores; drawing them is not timed."""
    passes = [_matrix_pass(task) for _ in range(task.passes)]
    sizes = scores.sizes(task)
    return _figures([p[0] for p in passes], passes[-1][1], sizes["users"], sizes, PROTOCOLS)


def _matrix_pass(task: RankingTask) -> tuple[float, dict[str, float]]:
    ranks: list[Ranks] = []
    seconds = 0.0
    offsets = torch.arange(task.rows + 1) * scores.HISTORY
    for batch in scores.draw(task):
        started = perf_counter()
        ranks.append(rank_targets(batch.scores, batch.targets, batch.seen.view(-1), offsets))
        seconds += perf_counter() - started
    started = perf_counter()
    metrics = _metrics(ranks)
    return seconds + perf_counter() - started, metrics


def _metrics(ranks: list[Ranks]) -> dict[str, float]:
    kept = np.concatenate([one.seen_kept.numpy() for one in ranks])
    masked = np.concatenate([one.seen_masked.numpy() for one in ranks])
    found = summarize(masked, METRICS, TOPK)
    named = {name + SEEN_MASKED: value for name, value in found.items()}
    return summarize(kept, METRICS, TOPK) | named


def _figures(
    seconds: list[float],
    metrics: dict[str, float],
    users: int,
    sizes: dict[str, int],
    shown: dict[str, Any],
) -> RankingFigures:
    return RankingFigures(
        seconds=median(seconds),
        every_pass=seconds,
        users=users,
        metrics=metrics,
        data=sizes,
        settings=shown,
        threads=torch.get_num_threads(),
        versions=versions_of(["recbole", "torch", "numpy"]),
    )


if __name__ == "__main__":
    task = read_task(RankingTask)
    answer(test(task) if task.args["part"] == "test" else matrix(task))
