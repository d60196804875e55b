"""What a sweep shows: one live table on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, Protocol, TextIO

from tabulate import tabulate

from recbole_ext.experiment.tune.folder import FAILED
from recbole_ext.experiment.tune.state import State, TrialState, duration

_PAUSE = 0.2  # seconds between two drawings
_REST = 4  # lines of the terminal that the table leaves free


class Screen(Protocol):
    """Where progress is shown."""

    def report(self, trial: TrialState) -> None:
        """A validation."""

    def end(self, trial: TrialState) -> None:
        """A trial has ended."""

    def close(self) -> None:
        """The last state stays."""


def screen(state: State) -> Screen:
    """The one that fits where standard error goes."""
    return LiveTable(state, sys.stderr) if sys.stderr.isatty() else Lines(state, sys.stderr)


class Lines:
    """A line for every validation and every end."""

    def __init__(self, state: State, out: TextIO) -> None:
        self._state, self._out = state, out

    def report(self, trial: TrialState) -> None:
        best = " *" if trial.epochs_to_best == trial.epochs else ""
        metric = self._state.plan.metric
        self._print(f"trial {trial.number}: epoch {trial.epochs}  {metric} {trial.last:.4f}{best}")

    def end(self, trial: TrialState) -> None:
        if trial.status == FAILED:
            self._print(f"trial {trial.number}: failed: {trial.reason}")
            return
        best = "" if trial.best is None else f", best {trial.best:.4f}"
        self._print(f"trial {trial.number}: {trial.status} after {trial.epochs} epochs{best}")

    def close(self) -> None:
        """Nothing is held back."""

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


class LiveTable:
    """The table of trials, drawn over itself."""

    def __init__(self, state: State, out: TextIO) -> None:
        self._state, self._out = state, out
        self._drawn, self._when, self._began = 0, 0.0, time.monotonic()

    def report(self, trial: TrialState) -> None:
        if time.monotonic() - self._when > _PAUSE:
            self._draw()

    def end(self, trial: TrialState) -> None:
        self._draw()

    def close(self) -> None:
        self._draw()

    def _draw(self) -> None:
        size = shutil.get_terminal_size()
        lines = self._lines(size.lines - _REST)
        over = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        cut = "\n".join(line[: size.columns - 1] for line in lines)
        self._out.write(f"{over}{cut}\n")
        self._out.flush()
        self._drawn, self._when = len(lines), time.monotonic()

    def _lines(self, room: int) -> list[str]:
        rows = table(self._state).splitlines()
        state, sweep = self._state, self._state.plan.space.sweep
        epochs = sum(trial.epochs for trial in state.trials.values())
        head = (
            f"{state.plan.model} on {state.plan.dataset}: {len(state.trials)} of "
            f"{state.plan.trials} trials begun, {epochs} of {state.plan.trials * sweep.max_epochs} "
            f"epochs, {duration(time.monotonic() - self._began)}"
        )
        hidden = len(rows) - max(room, 3)
        more = [f"... and {hidden} more"] if hidden > 0 else []
        return [head, *rows[: max(room, 3)], *more]


def table(state: State, most: int | None = None) -> str:
    """The trials, the best first."""
    names = list(state.plan.space.axes)
    rows = [_cells(trial, names) for trial in state.ranked()[:most]]
    headers = ("trial", "status", f"valid {state.plan.metric}", "after", "epochs", "s", *names)
    return str(tabulate(rows, headers=headers, disable_numparse=True, missingval="-"))


def _cells(trial: TrialState, names: list[str]) -> list[Any]:
    best = None if trial.best is None else f"{trial.best:.4f}"
    seconds = f"{trial.seconds:.0f}"
    values = [str(trial.values.get(name)) for name in names]
    known = [trial.number, trial.status, best, trial.epochs_to_best or None, trial.epochs, seconds]
    return [*known, *values]
