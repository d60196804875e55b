"""RecTools' SASRec by RecTools' own data loading and its Lightning trainer, softmax loss.

Needs an environment of its own (``pip install rectools[torch]``). ``args``: ``longest_epoch``, in
seconds: a longer one is extrapolated from ``Task.batches`` batches, a shorter one timed whole.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from rectools.dataset import Dataset
from rectools.models import SASRecModel

from benchmarks.peers.epoch_clock import EpochClock
from benchmarks.peers.leave_one_out import read_interactions, sizes, training_part
from benchmarks.peers.protocol import Figures, Task, answer, read_task, versions_of

SHAPE = {"n_blocks": 2, "n_heads": 2, "n_factors": 64}
BATCH_SIZE = 128  # RecTools' default
QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


class Watch(Callback):
    """Tells the clock what Lightning does, and stops training when the clock says so."""

    def __init__(self, clock: EpochClock) -> None:
        self.clock, self.per_epoch, self.stopped = clock, 0.0, False

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.per_epoch = len(trainer.train_dataloader.dataset) / BATCH_SIZE
        self.clock.epoch_starts()

    def on_train_batch_start(self, *_: Any) -> None:
        self.clock.batch_starts()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if self.clock.batch_ends(self.per_epoch):
            self.stopped = trainer.should_stop = True

    def on_train_epoch_end(self, *_: Any) -> None:
        self.clock.epoch_ends()


def make_trainer(epochs: int, batches: int, longest_epoch: float) -> Trainer:
    """What RecTools would make, without validation, and with a clock."""
    watch = Watch(EpochClock(batches, longest_epoch))
    return Trainer(
        max_epochs=epochs, accelerator="cpu", devices=1, limit_val_batches=0,
        num_sanity_val_steps=0, callbacks=[watch], **QUIET,
    )  # fmt: skip


def make_model(task: Task) -> SASRecModel:
    """What is not named keeps RecTools' default."""
    timing = {"batches": task.batches, "longest_epoch": task.args["longest_epoch"]}
    return SASRecModel(
        **SHAPE,
        session_max_len=task.max_length,
        batch_size=BATCH_SIZE,
        loss="softmax",
        get_trainer_func=make_trainer,
        get_trainer_func_kwargs={"epochs": 1 + task.epochs, **timing},
    )


def prepare(interactions: pd.DataFrame) -> Dataset:
    """RecTools' data set of the training part."""
    training = training_part(interactions)
    training["datetime"] = pd.to_datetime(training.pop("timestamp"), unit="s")
    training["weight"] = 1.0
    return Dataset.construct(training)


def measure(task: Task) -> Figures:
    """Fit as a user would; Lightning's hooks are what the clock reads."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    seed_everything(2020)
    started = perf_counter()
    interactions = read_interactions(task.data_path, task.dataset)
    model = make_model(task).fit(prepare(interactions))
    watch = next(c for c in model.fit_trainer.callbacks if isinstance(c, Watch))
    seconds, measured = watch.clock.reading(watch.per_epoch, watch.stopped)
    windows = model.data_preparator.train_dataset.interactions.df
    return Figures(
        seconds_per_epoch=seconds,
        targets_per_epoch=len(windows) - int(windows["user_id"].nunique()),
        preparation_seconds=watch.clock.first_batch - started,
        parameters=sum(p.numel() for p in model.torch_model.parameters() if p.requires_grad),
        measured=measured,
        data=sizes(interactions),
        settings=shown(len(model.data_preparator.get_known_item_ids())),
        threads=torch.get_num_threads(),
        versions=versions_of(["rectools", "pytorch-lightning", "torch", "numpy"]),
    )


def shown(catalogue: int) -> dict[str, Any]:
    """What a reader must know; ``catalogue``: items that are classes of the softmax."""
    return {
        **SHAPE,
        "train_batch_size": BATCH_SIZE,
        "loss": f"CE over the {catalogue:,} items seen in training, float32",
        "trains": "all positions of every user's newest window",
    }


if __name__ == "__main__":
    answer(measure(read_task()))
