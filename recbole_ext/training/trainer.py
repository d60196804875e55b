"""The trainer: RecBole's, with its loop opened up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from logging import getLogger
from pathlib import Path
from statistics import median
from typing import Any

import torch
from recbole.trainer import Trainer
from torch import nn
from tqdm import tqdm

from recbole_ext import compat
from recbole_ext.data.batches import TARGET_COUNT
from recbole_ext.data.loaders import EvaluationLoader
from recbole_ext.data.split import Split
from recbole_ext.errors import CheckpointError, ModelError, kind_of
from recbole_ext.evaluation.evaluator import Evaluation, Evaluator
from recbole_ext.evaluation.metrics import SEEN_MASKED, canonical
from recbole_ext.training import checkpoint, randomness
from recbole_ext.training.history import to_csv
from recbole_ext.training.memory import release_freed_memory
from recbole_ext.training.optimizer import build_adam, build_schedule, clip
from recbole_ext.training.progress import OnValidation, Progress, Validation
from recbole_ext.training.run_folder import (
    HISTORY_FILE,
    MODEL_FILE,
    RESUME_FILE,
    TENSORBOARD_DIR,
    RunFolder,
)
from recbole_ext.training.scalars import Scalars


class SequenceTrainer(Trainer):
    """Trains any model of the run on RecBole's Trainer and keeps its run folder.

    What differs from RecBole's loop: the loss is not waited for batch by batch,
    schedules stepped by batch, clipping, early stopping on unrounded metrics of either protocol,
    checkpoints without pickle, and a resume state after every epoch.
    """

    def __init__(self, config: Any, model: nn.Module, folder: RunFolder, split: Split) -> None:
        with compat.trainer_writes_nothing():
            super().__init__(config, model)
        self.folder = folder
        self.tensorboard = Scalars(folder.file(TENSORBOARD_DIR))
        self.saved_model_file = str(folder.file(MODEL_FILE))
        self.logger = getLogger("recbole_ext")
        self.metric = canonical(config["valid_metric"])
        self.progress = Progress()
        self.data_sha256: str | None = None  # kept with every checkpoint, to tell other data
        self.on_validation: OnValidation | None = None  # called once its epoch is saved
        self._evaluator = Evaluator(config, split)
        self._schedule: torch.optim.lr_scheduler.LambdaLR | None = None
        self._show_progress = bool(config["show_progress"]) and sys.stderr.isatty()

    def _build_optimizer(self, **kwargs: Any) -> torch.optim.Optimizer:
        if not kwargs and self.learner.lower() in ("adam", "adamw"):
            return build_adam(self.config, self.model.parameters())
        return super()._build_optimizer(**kwargs)

    def fit(
        self,
        train_data: Any,
        valid_data: EvaluationLoader | None = None,
        verbose: bool = True,
        saved: bool = True,
        show_progress: bool = False,
        callback_fn: Callable[[int, float], None] | None = None,
    ) -> tuple[float | None, dict[str, float]]:
        """Train to the last epoch or until validation has not improved for ``stopping_step``.

        Returns:
            The best validation score and all metrics of that validation.
        """
        self._schedule = build_schedule(self.config, self.optimizer, len(train_data))
        self._resume_into(train_data)
        if saved:
            checkpoint.model_tensors(self.model)  # what cannot be saved is refused now
        if (self.config["train_neg_sample_args"] or {}).get("dynamic"):
            train_data.get_model(self.model)  # RecBole's loader asks it for the hardest candidates
        began = time.perf_counter() - self.progress.seconds
        while self.progress.epoch + 1 < self.epochs and not self._exhausted():
            self.progress.epoch += 1
            line, validation = self._epoch_line(train_data), None
            if self._validates(valid_data):
                validation = self._validate(valid_data, saved, callback_fn)  # type: ignore[arg-type]
                line += self._told(validation)
            elif saved and not self._can_validate(valid_data):
                self._save_model()  # nothing tells which epoch is the best: keep the last
            self.progress.seconds = time.perf_counter() - began
            if saved:
                self.folder.write_text(HISTORY_FILE, to_csv(self.progress.history))
                self._save_resume_state(train_data)
            if verbose:
                self.logger.info(line)
            if validation and self.on_validation:
                self.on_validation(validation)
        self.tensorboard.flush()
        return self.progress.best_score, self.progress.best_metrics

    def _epoch_line(self, train_data: Any) -> str:
        """Train one epoch, record it, and say how it went."""
        epoch, started = self.progress.epoch, time.perf_counter()
        parts, targets = self._train_epoch(train_data, epoch, show_progress=self._show_progress)
        loss = sum(parts)
        seconds = time.perf_counter() - started
        release_freed_memory()
        rate = self._learning_rate()
        self.progress.note_epoch(loss, seconds, rate)
        self.tensorboard.add_scalar("train/loss", loss, epoch)
        told = f"loss {loss:.4f}"
        if len(parts) > 1:  # as RecBole, each of several losses
            told += f" = {' + '.join(f'{part:.4f}' for part in parts)}"
            for number, part in enumerate(parts, 1):
                self.tensorboard.add_scalar(f"train/loss_{number}", part, epoch)
        self.tensorboard.add_scalar("train/learning_rate", rate, epoch)
        speed = targets / seconds
        self.tensorboard.add_scalar("train/targets_per_second", speed, epoch)
        return f"epoch {epoch:3d}  {told}  {seconds:.2f} s  {speed:,.0f} targets/s"

    def _train_epoch(
        self,
        train_data: Any,
        epoch_idx: int,
        loss_func: Callable[[Any], Any] | None = None,
        show_progress: bool = False,
    ) -> tuple[list[float], int]:
        """One pass. Returns the mean of each loss over batches and the number of targets."""
        self.model.train()
        loss_func = loss_func or self.model.calculate_loss
        total, targets, step = torch.zeros((), device=self.device), 0, 0
        bar = tqdm(
            train_data,
            desc=f"epoch {epoch_idx}",
            disable=not show_progress,
            leave=False,
            unit="batch",
        )
        for step, interaction in enumerate(bar, 1):
            targets += _n_targets(interaction)
            total = total + self._step(loss_func, interaction.to(self.device))
            if show_progress and step % 10 == 0:
                bar.set_postfix_str(f"loss {total.sum().item() / step:.4f}")
        means = [one / max(1, step) for one in torch.atleast_1d(total).tolist()]
        if any(mean != mean for mean in means):
            raise FloatingPointError(
                f"the training loss became NaN in epoch {epoch_idx}; lower learning_rate or set "
                "clip_grad_norm"
            )
        return means, targets

    def _step(self, loss_func: Callable[[Any], Any], interaction: Any) -> torch.Tensor:
        """One update; returns the batch's losses [n], still on their device."""
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.enable_amp):
            losses = self._each_loss(loss_func(interaction))
        losses.sum().backward()
        clip(self.model.parameters(), self.clip_grad_norm)
        self.optimizer.step()
        if self._schedule is not None:
            self._schedule.step()
        return losses.detach()

    def _each_loss(self, losses: Any) -> torch.Tensor:
        """[n], of one loss or of a tuple of several."""
        each = losses if isinstance(losses, tuple) else (losses,)
        if not each or not all(isinstance(one, torch.Tensor) and one.numel() == 1 for one in each):
            kinds = ", ".join(map(kind_of, each)) or "nothing"
            raise ModelError(
                f"{type(self.model).__name__}.calculate_loss gave {kinds}; it must give a tensor "
                "of one number, or a tuple of such"
            )
        return torch.stack([one.reshape(()) for one in each])

    def _validates(self, valid_data: EvaluationLoader | None) -> bool:
        if not self._can_validate(valid_data):
            return False
        epoch = self.progress.epoch + 1
        return epoch % self.eval_step == 0 or epoch == self.epochs

    def _can_validate(self, valid_data: EvaluationLoader | None) -> bool:
        return valid_data is not None and len(valid_data.rows) > 0 and self.eval_step > 0

    def _validate(
        self,
        valid_data: EvaluationLoader,
        saved: bool,
        callback_fn: Callable[[int, float], None] | None,
    ) -> Validation:
        """Rank the validation items and keep the model if it is the best."""
        metrics = self.rank(valid_data).flat()
        score, epoch = metrics[self.metric], self.progress.epoch
        for name, value in metrics.items():
            group = "valid_seen_masked" if name.endswith(SEEN_MASKED) else "valid"
            self.tensorboard.add_scalar(f"{group}/{name.removesuffix(SEEN_MASKED)}", value, epoch)
        best = self.progress.take(score, metrics, self.valid_metric_bigger)
        if best and saved:
            self._save_model()
        if callback_fn:
            callback_fn(epoch, score)
        return Validation(epoch + 1, score, metrics)

    def _told(self, validation: Validation) -> str:
        """A validation in the line of its epoch, with a star if it is the best so far."""
        best = self.progress.best_epoch == self.progress.epoch
        return f"  valid {self.metric} {validation.score:.4f}{' *' if best else ''}"

    def _exhausted(self) -> bool:
        """Whether validation has stopped improving for longer than ``stopping_step`` allows."""
        return self.progress.without_gain > self.stopping_step

    @torch.no_grad()
    def evaluate(
        self,
        eval_data: EvaluationLoader,
        load_best_model: bool = True,
        model_file: str | None = None,
        show_progress: bool = False,
    ) -> dict[str, float]:
        """All metrics of ``eval_data`` under both protocols, of the best model unless said."""
        if load_best_model:
            self._restore(self.folder.path / (model_file or MODEL_FILE))
        return self.rank(eval_data).flat()

    def rank_with_best(self, loader: EvaluationLoader) -> Evaluation:
        """Ranks and metrics of ``loader`` with the best model."""
        self._restore(self.folder.file(MODEL_FILE))
        return self.rank(loader)

    def _restore(self, path: Path) -> None:
        tensors, _ = checkpoint.read(path)
        checkpoint.restore_model(self.model, tensors, path)

    def rank(self, loader: EvaluationLoader) -> Evaluation:
        """Ranks and metrics of ``loader`` with the model as it is now."""
        bar = self._bar if self._show_progress else None
        evaluation = self._evaluator.evaluate(self.model, loader, bar)
        release_freed_memory()
        return evaluation

    def _bar(self, loader: EvaluationLoader) -> Any:
        return tqdm(loader, desc="ranking", leave=False, unit="batch")

    def seconds_per_epoch(self) -> float:
        """Median over epochs, evaluation excluded."""
        return median(self.progress.epoch_seconds) if self.progress.epoch_seconds else 0.0

    def _learning_rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def _save_model(self) -> None:
        state = {
            "model": self.config["model"],
            "epoch": self.progress.epoch,
            "data": self.data_sha256,
        }
        checkpoint.write(self.folder, MODEL_FILE, checkpoint.model_tensors(self.model), state)

    def _save_resume_state(self, train_data: Any) -> None:
        optimizer, optimizer_rest = checkpoint.optimizer_tensors(self.optimizer)
        random_states, random_rest = randomness.random_tensors(train_data)
        tensors = checkpoint.model_tensors(self.model) | optimizer | random_states
        state = {
            "data": self.data_sha256,
            "progress": asdict(self.progress),
            "optimizer": optimizer_rest,
            "schedule": self._schedule.last_epoch if self._schedule else 0,
            "random": random_rest,
        }
        checkpoint.write(self.folder, RESUME_FILE, tensors, state)

    def resume_checkpoint(self, resume_file: Any = None) -> None:
        """Take up the folder's resume state; :meth:`fit` goes on from there.

        Raises:
            CheckpointError: damaged, another model's, or begun on other data. Everything is put
                back once on trial, so that nothing is found out only after the run has gone on.
        """
        path = self.folder.file(RESUME_FILE) if resume_file is None else resume_file
        self._resume = checkpoint.read(path)
        try:
            self.progress = Progress.of(self._resume[1]["progress"])
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"{path}: no state to resume from ({error})") from error
        if self._resume[1].get("data", self.data_sha256) != self.data_sha256:
            raise CheckpointError(
                f"{path}: data set '{self.config['dataset']}' has changed since this run was begun"
            )
        self._put_back(None)

    _resume: tuple[dict[str, torch.Tensor], dict[str, Any]] | None = None

    def _put_back(self, train_data: Any) -> int:
        """Weights, optimiser and random states out of the resume state; returns the step."""
        assert self._resume is not None
        tensors, state = self._resume
        path = self.folder.file(RESUME_FILE)
        checkpoint.restore_model(self.model, tensors, path)
        with checkpoint.naming_damage(path):
            checkpoint.restore_optimizer(self.optimizer, tensors, state["optimizer"])
            randomness.restore_random(train_data, tensors, state["random"])
            return int(state["schedule"])

    def _resume_into(self, train_data: Any) -> None:
        """Put weights, optimiser, schedule, random states and the loader's epoch back."""
        if self._resume is None or self._schedule is None:
            return
        self._schedule.last_epoch = self._put_back(train_data)
        train_data.epoch = self.progress.epoch + 1
        self._resume = None  # taken up: a later fit goes on from where the model is


def _n_targets(interaction: Any) -> int:
    """Positions of a batch that bear loss."""
    if TARGET_COUNT in interaction:
        return int(interaction[TARGET_COUNT].sum())
    return len(interaction)
