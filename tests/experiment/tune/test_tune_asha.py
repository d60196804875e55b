"""Halving on a planted objective: the worse half is stopped, the best is not, also after a stop."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray")

from recbole_ext.experiment.tune.asha import Asha
from recbole_ext.experiment.tune.folder import Report
from recbole_ext.experiment.tune.settings import SweepSettings

SETTINGS = SweepSettings(trials=16, max_epochs=40, grace=5, reduction_factor=2)
RUNGS = (5, 10, 20, 40)
STOP = "STOP"


def score(quality: float, epochs: int) -> float:
    """Better trials are better at every epoch, and all get better."""
    return quality * epochs / (epochs + 5)


class Planted:
    """Trials of known quality, all under way at once, reporting in the order given."""

    def __init__(self, qualities: list[float], bigger: bool = True) -> None:
        self.reports: dict[int, list[Report]] = {n: [] for n in range(len(qualities))}
        self.qualities, self.bigger = qualities, bigger
        self.stopped: set[int] = set()
        self.take_up()

    def take_up(self) -> None:
        """A scheduler that knows nothing but what the trials have reported."""
        self.asha = Asha(SETTINGS, self.bigger, lambda trial: self.reports[int(trial.trial_id)])
        for number in self.stopped:
            self.asha.remember(str(number), self.reports[number])
        for number in self.going():
            self.asha.on_trial_add(None, trial(number))  # type: ignore[arg-type]

    def going(self) -> list[int]:
        return [number for number in self.reports if number not in self.stopped]

    def epoch(self, epochs: int) -> None:
        for number in self.going():
            sign = 1 if self.bigger else -1
            report = Report(epochs, sign * score(self.qualities[number], epochs), epochs, {})
            self.reports[number].append(report)
            result = {"epochs": epochs, "score": report.score}
            if self.asha.on_trial_result(None, trial(number), result) == STOP:  # type: ignore[arg-type]
                self.stopped.add(number)

    def run(self, first: int = 1, last: int = SETTINGS.max_epochs) -> dict[int, int]:
        for epochs in range(first, last + 1):
            self.epoch(epochs)
        return {number: len(reports) for number, reports in self.reports.items()}


def trial(number: int) -> Any:
    return SimpleNamespace(trial_id=str(number))


def naive(qualities: list[float]) -> dict[int, int]:
    """At each rung, in order: stopped if below the median of those there before."""
    trained = dict.fromkeys(range(len(qualities)), SETTINGS.max_epochs)
    for rung in RUNGS[:-1]:
        there: list[float] = []
        for number, quality in enumerate(qualities):
            if trained[number] < rung:
                continue
            if there and score(quality, rung) < np.median(there):
                trained[number] = rung
            there.append(score(quality, rung))
    return trained


@pytest.mark.parametrize("bigger", [True, False])
def test_the_worse_half_is_stopped(bigger: bool) -> None:
    best_first = [1 - n / 16 for n in range(16)]
    planted = Planted(best_first, bigger)
    trained = planted.run()
    assert trained[0] == 40
    assert all(trained[number] == 5 for number in range(8, 16))
    assert sum(trained.values()) < 0.5 * 16 * 40


@pytest.mark.parametrize("seed", range(5))
def test_decisions_are_those_of_the_rule(seed: int) -> None:
    qualities = [(n + 1) / 16 for n in range(16)]
    Random(seed).shuffle(qualities)
    trained = Planted(qualities).run()
    assert trained == naive(qualities)
    assert trained[qualities.index(1.0)] == 40
    assert sum(epochs < 40 for epochs in trained.values()) >= 8


@pytest.mark.parametrize("when", [3, 5, 7, 10, 12, 25])
def test_a_scheduler_taken_up_again_decides_the_same(when: int) -> None:
    qualities = [(n + 1) / 16 for n in range(16)]
    Random(9).shuffle(qualities)
    planted = Planted(qualities)
    planted.run(1, when)
    planted.take_up()
    assert planted.run(when + 1) == Planted(qualities).run()


def test_nobody_is_stopped_before_the_grace_ends() -> None:
    planted = Planted([1 - n / 16 for n in range(16)])
    planted.run(1, SETTINGS.grace - 1)
    assert planted.stopped == set()
