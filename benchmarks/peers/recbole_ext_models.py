"""A model of recbole_ext, trained for whole epochs by recbole_ext's own loaders and trainer.

``args``: ``model``, its name, ``keys``, further keys of its configuration, and, if given,
``longest_epoch`` in seconds: a longer one is extrapolated from ``Task.batches`` batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from benchmarks.peers.epoch_clock import EpochClock
from benchmarks.peers.protocol import Figures, Task, answer, read_task, versions_of
from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import SequenceLoader
from recbole_ext.data.loading import load_data
from recbole_ext.nn.losses import product_dtype
from recbole_ext.runner import assemble
from recbole_ext.training.results import n_parameters
from recbole_ext.training.run_folder import RunFolder
from recbole_ext.training.trainer import SequenceTrainer

SHOWN = ("n_layers", "n_heads", "hidden_size", "inner_size", "train_batch_size", "long_sequences")
TRAINS = {
    "truncate": "all positions of every user's newest window",
    "chunk": "all positions of windows that cover every target",
}


def configure(task: Task) -> ExtConfig:
    """The model's defaults, the task's keys, one epoch more than is timed."""
    keys = {
        "data_path": task.data_path,
        "MAX_ITEM_LIST_LENGTH": task.max_length,
        "epochs": 1 + task.epochs,
        "train_objective": "all_positions",
        "use_gpu": False,
        **task.args["keys"],
    }
    return ExtConfig(task.args["model"], task.dataset, config_dict=keys)


def measure(task: Task) -> Figures:
    """Time whole epochs after one that warms up."""
    config = configure(task)
    started = perf_counter()
    flat = load_data(config)
    run = assemble(config, flat, RunFolder(Path.cwd()))
    train = run.loaders.train
    next(iter(train))
    preparation = perf_counter() - started
    seconds, measured = timed(run.trainer, train, task)
    return Figures(
        seconds_per_epoch=seconds,
        targets_per_epoch=train.rows(0).n_targets,
        preparation_seconds=preparation,
        parameters=n_parameters(run.model),
        measured=measured,
        data={
            "users": flat.store.n_users - 1,
            "items": flat.store.n_items - 1,
            "interactions": len(flat.store.items),
        },
        settings=shown(config),
        threads=torch.get_num_threads(),
        versions=versions_of(["recbole", "torch", "numpy"]),
    )


def timed(trainer: SequenceTrainer, train: SequenceLoader, task: Task) -> tuple[float, str]:
    """Seconds of an epoch, and how they came about."""
    longest = task.args.get("longest_epoch")
    if longest is None:
        trainer.fit(train, verbose=False, saved=False)
        return median(trainer.progress.epoch_seconds[1:]), f"median of {task.epochs} epochs"
    watched = WatchedLoader(train, EpochClock(task.batches, longest))
    trainer.fit(watched, verbose=False, saved=False)
    return watched.clock.reading(watched.per_epoch, watched.stopped)


class WatchedLoader:
    """Tells the clock when epochs and batches begin and end; yields no more once it says stop.

    A batch has ended when the trainer asks for the next one.
    """

    def __init__(self, loader: SequenceLoader, clock: EpochClock) -> None:
        self.loader, self.clock, self.stopped = loader, clock, False
        self.per_epoch = len(loader.rows(0)) / loader._batch_size

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        if self.stopped:
            return
        self.clock.epoch_starts()
        for batch in self.loader:
            yield batch
            self.stopped = self.clock.batch_ends(self.per_epoch)
            if self.stopped:
                return
        self.clock.epoch_ends()


def shown(config: ExtConfig) -> dict[str, Any]:
    """What a reader must know, ``auto`` resolved."""
    precision = product_dtype(config["loss_precision"], torch.empty(0, device=config["device"]))
    return {
        **{key: config[key] for key in SHOWN},
        "loss": f"CE over all items, products in {str(precision).removeprefix('torch.')}",
        "trains": TRAINS[config["long_sequences"]],
    }


if __name__ == "__main__":
    answer(measure(read_task()))
