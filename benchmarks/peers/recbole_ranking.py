"""RecBole's full-sort test, and its way from scores to metrics alone.

``args``: ``part``, ``test`` (its loader, SASRec and Trainer.evaluate) or ``matrix`` (its Collector
and Evaluator). SASRec keeps its initial weights: the time of a ranking does not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import torch

from benchmarks.peers import recbole_sasrec, scores
from benchmarks.peers.protocol import RankingFigures, RankingTask, answer, read_task, versions_of

# recbole_sasrec makes RecBole importable.
from recbole.config import Config  # isort: skip
from recbole.data import create_dataset, data_preparation  # isort: skip
from recbole.evaluator import Collector, Evaluator  # isort: skip
from recbole.trainer import Trainer  # isort: skip
from recbole.utils import init_seed  # isort: skip

METRICS = {"metrics": ["Hit", "NDCG", "MRR"], "topk": [5, 10, 20], "valid_metric": "NDCG@10"}
Outcome = tuple[list[float], dict[str, float], int, dict[str, int]]


def configure(task: RankingTask) -> Config:
    """As for training; anomaly detection plays no part here."""
    keys = recbole_sasrec.settings(task) | METRICS
    config = Config("SASRec", task.dataset, config_dict=keys)
    torch.autograd.set_detect_anomaly(False)
    return config


def test(config: Config, task: RankingTask) -> Outcome:
    """Seconds of every pass, metrics, users, sizes of the data."""
    dataset = create_dataset(config)
    sizes = {
        "users": dataset.user_num - 1,
        "items": dataset.item_num - 1,
        "interactions": dataset.inter_num,
    }
    train_data, _, test_data = data_preparation(config, dataset)
    init_seed(config["seed"], config["reproducibility"])
    model = config.model_class(config, train_data.dataset).to(config["device"])
    trainer = Trainer(config, model)
    seconds, metrics = timed(
        lambda: trainer.evaluate(test_data, load_best_model=False), task.passes
    )
    return seconds, metrics, len(test_data.dataset), sizes


def timed(function: Callable[[], Any], times: int) -> tuple[list[float], dict[str, float]]:
    """Seconds of every call, and what the last one returned."""
    seconds = []
    for _ in range(times):
        started = perf_counter()
        metrics = function()
        seconds.append(perf_counter() - started)
    return seconds, {name: float(value) for name, value in metrics.items()}


def matrix(config: Config, task: RankingTask) -> Outcome:
    """The same of drawn scores; drawing them is not timed."""
    passes = [matrix_pass(config, task) for _ in range(task.passes)]
    sizes = scores.sizes(task)
    return [seconds for seconds, _ in passes], passes[-1][1], sizes["users"], sizes


def matrix_pass(config: Config, task: RankingTask) -> tuple[float, dict[str, float]]:
    collector, evaluator, seconds = Collector(config), Evaluator(config), 0.0
    rows = torch.arange(task.rows)
    for batch in scores.draw(task):
        started = perf_counter()
        batch.scores[:, 0] = -torch.inf
        collector.eval_batch_collect(batch.scores, None, rows, batch.targets)
        seconds += perf_counter() - started
    started = perf_counter()
    metrics = evaluator.evaluate(collector.get_data_struct())
    seconds += perf_counter() - started
    return seconds, {name: float(value) for name, value in metrics.items()}


def measure(task: RankingTask) -> RankingFigures:
    """The part that is asked for."""
    config = configure(task)
    part = test if task.args["part"] == "test" else matrix
    seconds, metrics, users, sizes = part(config, task)
    return RankingFigures(
        seconds=median(seconds),
        every_pass=seconds,
        users=users,
        metrics=metrics,
        data=sizes,
        settings=shown(config) if part is test else {"protocols": "seen items kept"},
        threads=torch.get_num_threads(),
        versions=versions_of(["recbole", "torch", "numpy"]),
    )


def shown(config: Config) -> dict[str, Any]:
    """What a reader must know."""
    names = (*recbole_sasrec.SHAPE, "eval_batch_size")
    return {**{name: config[name] for name in names}, "protocols": "seen items kept"}


if __name__ == "__main__":
    answer(measure(read_task(RankingTask)))
