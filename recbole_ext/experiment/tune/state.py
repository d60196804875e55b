"""What is known of the trials of a sweep while it runs: rows of a table, and the best one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recbole_ext.experiment.tune.folder import (
    BEGUN,
    FAILED,
    STOPPED,
    Report,
    SweepFolder,
    TrialFolder,
)
from recbole_ext.experiment.tune.plan import Plan


@dataclass
class TrialState:
    """One trial.

    Attributes:
        values: of the searched keys.
        best: its best validation so far.
        epochs_to_best: epochs trained at that validation.
        first: epochs and seconds of its first validation.
    """

    number: int
    values: Mapping[str, Any]
    status: str
    reason: str = ""
    epochs: int = 0
    seconds: float = 0.0
    last: float | None = None
    best: float | None = None
    epochs_to_best: int = 0
    first: tuple[int, float] | None = None

    @property
    def seconds_per_epoch(self) -> float:
        """Of training and validation; reading the data counts only before the first report."""
        if self.first is None:
            return 0.0
        epochs, seconds = self.epochs - self.first[0], self.seconds - self.first[1]
        return seconds / epochs if epochs else self.seconds / self.epochs

    def take(self, report: Report, bigger: bool) -> None:
        """Note a validation."""
        self.epochs, self.seconds, self.last = report.epochs, report.seconds, report.score
        self.first = self.first or (report.epochs, report.seconds)
        best, score = self.best, report.score
        if best is None or (score > best if bigger else score < best):
            self.best, self.epochs_to_best = report.score, report.epochs


@dataclass
class State:
    """All trials of a sweep, by number."""

    plan: Plan
    trials: dict[int, TrialState] = field(default_factory=dict)

    def read(self, trial: TrialFolder) -> TrialState:
        """Take a trial's state from its folder."""
        config = trial.config()
        values = {name: config[name] for name in self.plan.space.axes if name in config}
        status, reason = trial.status()
        known = TrialState(trial.number, values, status, reason)
        for report in trial.history():
            known.take(report, self.plan.bigger)
        self.trials[trial.number] = known
        return known

    def reported(self, number: int, report: Report) -> TrialState:
        """Note a validation of a trial that runs."""
        known = self.trials[number]
        known.status = BEGUN
        known.take(report, self.plan.bigger)
        return known

    def ranked(self) -> list[TrialState]:
        """The best trial first; those that failed, then those without a validation, last."""
        sign = -1 if self.plan.bigger else 1

        def place(trial: TrialState) -> tuple[bool, bool, float, int]:
            failed = trial.status == FAILED
            return trial.best is None, failed, sign * (trial.best or 0.0), trial.number

        return sorted(self.trials.values(), key=place)

    def best(self) -> TrialState | None:
        """The trial with the best validation: none that failed, since the same would fail again."""
        sound = (trial for trial in self.ranked() if trial.status != FAILED)
        first = next(sound, None)
        return first if first is not None and first.best is not None else None

    def rows(self) -> list[dict[str, Any]]:
        """``trials.csv``."""
        return [_row(self.trials[number]) for number in sorted(self.trials)]


def _row(trial: TrialState) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "status": trial.status,
        "best_validation": trial.best,
        "epochs_to_best": trial.epochs_to_best or None,
        "epochs": trial.epochs,
        "seconds": round(trial.seconds, 2),
        **trial.values,
        "reason": trial.reason,
    }


def read_state(plan: Plan, folder: SweepFolder) -> State:
    """The state that a folder holds."""
    state = State(plan)
    for trial in folder.trials():
        state.read(trial)
    return state


def savings(state: State) -> str:
    """What stopping early has saved, in a line."""
    longest = state.plan.space.sweep.max_epochs
    trials = list(state.trials.values())
    stopped = [trial for trial in trials if trial.status == STOPPED]
    trained, planned = sum(trial.epochs for trial in trials), longest * len(trials)
    left = sum(trial.seconds_per_epoch * (longest - trial.epochs) for trial in stopped)
    return (
        f"{len(trials)} trials, {len(stopped)} stopped early: {trained:,} of {planned:,} epochs "
        f"trained; stopping saved about {duration(left)} of trials' time"
    )


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.4 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
