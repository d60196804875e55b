"""What papers report: the rows of ``properties/experiment/reported.csv`` that belong to a job."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from recbole_ext import paths
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.experiment.gather import KEPT
from recbole_ext.experiment.jobs import Job

GIVEN = "the experiment file"


@dataclass(frozen=True)
class Reported:
    """A published figure."""

    value: float
    source: str


def figures_of(job: Job) -> dict[tuple[str, str], Reported]:
    """By protocol and metric. The file's own figures (``paper``) stand above the table's.

    Raises:
        ConfigError: no row, or several for one metric, have the columns that the job names.
    """
    found = dict(_selected(job)) if job.reported else {}
    for metric, value in zip(("Hit@10", "NDCG@10"), job.paper or (), strict=False):
        if value is not None:
            found[KEPT, metric] = Reported(value, GIVEN)
    return found


def _selected(job: Job) -> dict[tuple[str, str], Reported]:
    rows = _rows(paths.properties_dir() / "experiment" / "reported.csv")
    for column, wanted in job.reported.items():
        known = sorted({row[column] for row in rows})
        rows = [row for row in rows if row[column] == wanted]
        if not rows:
            near = nearest(wanted, known)
            raise ConfigError(
                f"job {job.name}: reported: {column}: reported.csv has no such row with "
                f"{show(wanted)}{near or '; it has ' + ', '.join(known[:8])}"
            )
    found: dict[tuple[str, str], Reported] = {}
    for row in rows:
        place = row["protocol"], row["metric"]
        if place in found:
            raise ConfigError(
                f"job {job.name}: reported: several rows of reported.csv fit "
                f"({row['data']}, {row['model']}, {row['metric']}); name more columns"
            )
        found[place] = Reported(float(row["value"]), f"{row['source']}, Table {row['table']}")
    return found


@cache
def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
