"""Asynchronous successive halving (Li et al. 2020), by Ray Tune, that a stopped sweep takes up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ray.tune.schedulers import ASHAScheduler

from recbole_ext.experiment.tune.folder import Report
from recbole_ext.experiment.tune.settings import SweepSettings

EPOCHS, SCORE = "epochs", "score"  # the names that Ray knows them by
_NOBODY: Any = None  # Ray's controller, which this scheduler does not ask


@dataclass(frozen=True)
class _Past:
    """Stands for a trial of before the sweep was stopped: all that the scheduler asks of one."""

    trial_id: str


class Asha(ASHAScheduler):
    """Stops a trial at a rung of epochs (grace, grace·factor, ...) if it is not among the best.

    Args:
        history: the validations that a trial reported before the sweep was stopped; they take
            their places in the rungs again when it goes on.
    """

    def __init__(
        self, settings: SweepSettings, bigger: bool, history: Callable[[Any], Iterable[Report]]
    ) -> None:
        super().__init__(
            time_attr=EPOCHS,
            metric=SCORE,
            mode="max" if bigger else "min",
            max_t=settings.max_epochs,
            grace_period=settings.grace,
            reduction_factor=settings.reduction_factor,
        )
        self._history = history

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_add(tune_controller, trial)
        self._replay(trial, self._history(trial))

    def remember(self, name: str, reports: Iterable[Report]) -> None:
        """Put a trial that has ended into the rungs, so that later ones are measured by it."""
        past: Any = _Past(name)
        super().on_trial_add(_NOBODY, past)
        self._replay(past, reports)

    def _replay(self, trial: Any, reports: Iterable[Report]) -> None:
        for report in reports:
            self.on_trial_result(_NOBODY, trial, {EPOCHS: report.epochs, SCORE: report.score})
