"""Learning curves of finished runs, of ``history.csv`` or the log, and by what they were chosen."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recbole_ext.errors import DataError
from recbole_ext.training.run_folder import HISTORY_FILE, LOG_FILE

_TRAINING = ("loss", "seconds", "learning_rate")  # the other columns are the validation's
_LOGGED = re.compile(r"epoch +(\d+)  loss .*?(?:  valid (\S+) (\d\S*)(?: \*)?)?$")


@dataclass(frozen=True)
class Curve:
    """Validation by epoch: ``scores[epoch][metric]``; epochs without a validation are left out."""

    scores: dict[int, dict[str, float]] = field(default_factory=dict)

    def of(self, metric: str) -> list[tuple[int, float]]:
        """(epoch, score) of each validation, in order."""
        return [(epoch, found[metric]) for epoch, found in self.scores.items() if metric in found]


def read_curve(folder: Path) -> Curve:
    """The curve of a folder of results. Raises DataError for a damaged history."""
    if (folder / HISTORY_FILE).is_file():
        epochs = _of_history(folder / HISTORY_FILE)
        return Curve({epoch: scores for epoch, scores in epochs if scores})
    if (folder / LOG_FILE).is_file():
        return _of_log(_text(folder / LOG_FILE).splitlines())
    return Curve()


def logged_metric(folder: Path) -> str | None:
    """The ``valid_metric`` that the log tells of; None without a log, or a validation in it."""
    if not (folder / LOG_FILE).is_file():
        return None
    lines = reversed(_text(folder / LOG_FILE).splitlines())
    matches = (_LOGGED.search(line) for line in lines)
    return next((match[2] for match in matches if match and match[2]), None)


def _of_history(file: Path) -> Iterator[tuple[int, dict[str, float]]]:
    for number, row in enumerate(csv.DictReader(_text(file).splitlines()), 2):
        try:
            values = {name: float(text) for name, text in row.items() if text}
            epoch = int(values.pop("epoch"))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{file}:{number}: not as a run left it ({error!r})") from error
        yield epoch, {name: x for name, x in values.items() if name not in _TRAINING}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: unreadable ({error})") from error


def _of_log(lines: Iterable[str]) -> Curve:
    """An epoch that a resumed run trained again counts once, as it was the last time."""
    found = {}
    for line in lines:
        match = _LOGGED.search(line)
        if match and match[2]:
            found[int(match[1])] = {match[2]: float(match[3])}
    return Curve(dict(sorted(found.items())))
