"""Learning curves of finished runs: of ``history.csv``, or of the log where there is none."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from recbole_ext.errors import DataError

HISTORY, LOG = "history.csv", "log.txt"
_LOGGED = re.compile(
    r"epoch +(?P<epoch>\d+)  loss (?P<loss>\S+)  (?P<seconds>\S+) s .*?"
    r"(?:valid (?P<metric>\S+) (?P<score>\d\S*)( \*)?)?$"
)


@dataclass(frozen=True)
class Epoch:
    """One epoch: its training seconds, its loss, its validation (empty where there was none)."""

    epoch: int
    seconds: float
    loss: float
    scores: dict[str, float]


@dataclass(frozen=True)
class Curve:
    """The epochs of a run, in order."""

    epochs: tuple[Epoch, ...] = ()

    def seconds(self) -> list[float]:
        """Training seconds up to the end of each epoch, evaluation excluded."""
        return list(accumulate(epoch.seconds for epoch in self.epochs))

    def seconds_to(self, best_epoch: int) -> float | None:
        """Training seconds up to the end of ``best_epoch``; None where that is not known."""
        until = [epoch.seconds for epoch in self.epochs if epoch.epoch <= best_epoch]
        return sum(until) if len(until) == best_epoch + 1 else None

    def validated(self, metric: str) -> list[tuple[int, float, float]]:
        """(epoch, training seconds so far, score) of each validation."""
        together = zip(self.epochs, self.seconds(), strict=True)
        return [(e.epoch, so_far, e.scores[metric]) for e, so_far in together if metric in e.scores]


def read_curve(folder: Path) -> Curve:
    """The curve of a folder of results. Raises DataError for a damaged history."""
    if (folder / HISTORY).is_file():
        return Curve(tuple(_of_history(folder / HISTORY)))
    if (folder / LOG).is_file():
        return _of_log((folder / LOG).read_text(encoding="utf-8").splitlines())
    return Curve()


def _of_history(file: Path) -> Iterable[Epoch]:
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            try:
                values = {name: float(text) for name, text in row.items() if text}
                first = (int(values.pop("epoch")), values.pop("seconds"), values.pop("loss"))
            except (ValueError, TypeError, KeyError) as error:
                raise DataError(f"{file}:{number}: not as a run left it ({error!r})") from error
            values.pop("learning_rate", None)
            yield Epoch(*first, values)


def _of_log(lines: Iterable[str]) -> Curve:
    """An epoch that a resumed run trained again counts once, as it was the last time."""
    found = {}
    for line in lines:
        if match := _LOGGED.search(line):
            scores = {match["metric"]: float(match["score"])} if match["metric"] else {}
            epoch = int(match["epoch"])
            found[epoch] = Epoch(epoch, float(match["seconds"]), float(match["loss"]), scores)
    return Curve(tuple(found[epoch] for epoch in sorted(found)))
