"""RecBole's own SASRec by RecBole's own data set, loaders and Trainer.

Nothing of recbole_ext is used. ``args``: ``as_shipped`` keeps the autograd anomaly detection that
RecBole switches on for the whole process; without it, it is switched off.
"""

from __future__ import annotations

from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmarks.peers.protocol import (
    Figures,
    RankingTask,
    Task,
    answer,
    read_task,
    versions_of,
)

# The only adaptation: RecBole's Config reads three names that NumPy 2 removed, and dies without.
for _name, _type in {"float_": np.float64, "complex_": np.complex128, "unicode_": np.str_}.items():
    if _name not in vars(np):
        setattr(np, _name, _type)

from recbole.config import Config  # noqa: E402
from recbole.data import create_dataset, data_preparation  # noqa: E402
from recbole.trainer import Trainer  # noqa: E402
from recbole.utils import init_seed  # noqa: E402

SHAPE = {"n_layers": 2, "n_heads": 2, "hidden_size": 64, "inner_size": 256}
BATCH_SIZE = 2048


def settings(task: Task | RankingTask) -> dict[str, Any]:
    """RecBole's configuration; what is not named keeps RecBole's default."""
    return {
        **SHAPE,
        "data_path": task.data_path,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "normalize_all": False,
        "MAX_ITEM_LIST_LENGTH": task.max_length,
        "eval_args": {
            "split": {"LS": "valid_and_test"},
            "order": "TO",
            "group_by": "user",
            "mode": "full",
        },
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "train_batch_size": BATCH_SIZE,
        "gpu_id": "",
    }


def measure(task: Task) -> Figures:
    """Time some batches of ``Trainer._train_epoch`` after one that warms up."""
    config = configure(task)
    started = perf_counter()
    train_data, sizes = prepare(config)
    batches = iter(train_data)
    first = next(batches)
    preparation = perf_counter() - started
    model = config.model_class(config, train_data.dataset).to(config["device"])
    trainer = Trainer(config, model)
    trainer._train_epoch([first], 0)
    count = min(task.batches_as_shipped if task.args["as_shipped"] else task.batches, len(batches))
    targets = len(train_data.dataset)
    if targets <= BATCH_SIZE:
        raise ValueError(f"{targets} prefixes: one batch warms up, and no other is left to time")
    return Figures(
        seconds_per_epoch=seconds_per_target(trainer, batches, count, targets) * targets,
        targets_per_epoch=targets,
        preparation_seconds=preparation,
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        measured=f"extrapolated from {count} batches (an epoch has {len(train_data):,})",
        data=sizes,
        settings=shown(config),
        threads=torch.get_num_threads(),
        versions=versions_of(["recbole", "torch", "numpy"]),
    )


def configure(task: Task) -> Config:
    """Making a Config imports the models, and they switch anomaly detection on."""
    config = Config("SASRec", task.dataset, config_dict=settings(task))
    if not task.args["as_shipped"]:
        torch.autograd.set_detect_anomaly(False)
    init_seed(config["seed"], config["reproducibility"])
    return config


def prepare(config: Config) -> tuple[Any, dict[str, int]]:
    """RecBole's training loader, and the sizes of the data (the loader's is without held-out)."""
    dataset = create_dataset(config)
    sizes = {
        "users": dataset.user_num - 1,
        "items": dataset.item_num - 1,
        "interactions": dataset.inter_num,
    }
    return data_preparation(config, dataset)[0], sizes


def seconds_per_target(trainer: Trainer, batches: Any, count: int, targets: int) -> float:
    """Of the next ``count`` batches; the epoch's last batch may be smaller than the others."""
    started = perf_counter()
    trainer._train_epoch(islice(batches, count), 0)
    seconds = perf_counter() - started
    return seconds / min(count * BATCH_SIZE, targets - BATCH_SIZE)


def shown(config: Config) -> dict[str, Any]:
    """What a reader must know."""
    return {
        **{key: config[key] for key in (*SHAPE, "train_batch_size")},
        "loss": "CE over all items, float32",
        "trains": "every prefix, loss at its end",
        "anomaly_detection": torch.is_anomaly_enabled(),
    }


if __name__ == "__main__":
    answer(measure(read_task()))
