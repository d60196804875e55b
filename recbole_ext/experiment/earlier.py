"""Comparisons that an earlier report has told: they outlive the ranks that they were made from.

Ranks of every user are large, so that results are often handed on without them; what was found of
them stands in ``results.csv``, in full precision.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from recbole_ext.experiment.gather import Gathered, Statistic
from recbole_ext.experiment.significance import Difference

RESULTS = "results.csv"
_Row = dict[str, str]


@dataclass(frozen=True)
class Told:
    """A difference as it was told, and over how many users."""

    users: int
    difference: Difference


class Earlier:
    """The tested rows of a ``results.csv``; of one that is absent or no report's, nothing."""

    def __init__(self, rows: list[_Row] | None = None) -> None:
        tested = [row for row in rows or [] if row.get("part") == "test"]
        self._values = {_place(row, row["job"]): row["values"] for row in tested}
        self._told = {(_place(row, row["job"]), row["baseline"]): row for row in tested}

    @classmethod
    def read(cls, out: Path) -> Earlier:
        """What lies in ``out``."""
        try:
            with open(out / RESULTS, encoding="utf-8", newline="") as file:
                return cls(list(csv.DictReader(file)))
        except (OSError, ValueError, LookupError, csv.Error):
            return cls()

    def told(self, job: Gathered, baseline: Gathered, protocol: str, metric: str) -> Told | None:
        """The comparison of two jobs whose runs are still those that it was made from."""
        sides = {one.job.name: one.metric(metric, protocol) for one in (job, baseline)}
        for name, now in sides.items():
            if now is None or self._values.get((name, protocol, metric)) != values_text(now):
                return None
        row = self._told.get(((job.job.name, protocol, metric), baseline.job.name), {})
        try:
            numbers = ("difference", "ci_low", "ci_high", "p_bootstrap", "p_wilcoxon")
            return Told(int(row["users"]), Difference(*(float(row[name]) for name in numbers)))
        except (LookupError, TypeError, ValueError):  # not compared, or edited since
            return None


def values_text(statistic: Statistic) -> str:
    """The figures of all seeds as ``results.csv`` has them: full precision, by spaces."""
    return " ".join(map(repr, statistic.values))


def _place(row: _Row, job: str) -> tuple[str, str, str]:
    return job, row["protocol"], row["metric"]
