"""Measures of attention as tables: sparsity and rank, beside their nulls and what papers report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from recbole_ext.errors import DataError
from recbole_ext.experiment.analyses import Analysis
from recbole_ext.experiment.cells import NOTHING, Cell, Grid
from recbole_ext.experiment.jobs import Job
from recbole_ext.experiment.reported import Reported, figures_of

NO_PROTOCOL = ""  # of rows of reported.csv that no ranking has made
# The measure that is reported: its name there, and in the numbers of a figure.
REPORTED = {"sparsity": ("sparsity L1/L2", "S"), "rank": ("rank k", "k")}
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "sparsity": {
        "S": ("S",),
        "S·m": ("S_m",),
        "S, uniform": ("S_of_uniform", "bidirectional"),
        "uniform causal": ("S_of_uniform", "causal"),
    },
    "rank": {
        "k": ("k",),
        "Gavish-Donoho": ("gavish_donoho",),
        "stable": ("stable_rank",),
        "entropy": ("entropy_rank",),
        "k, uniform": ("k_of_uniform", "bidirectional"),
        "uniform causal": ("k_of_uniform", "causal"),
    },
}
_DECIMALS = {"sparsity": 4, "rank": 2}


def measured(analysis: Analysis | None, jobs: Mapping[str, Job]) -> list[Grid]:
    """A table for each measure that was drawn, a row for each run in it."""
    return [_grid(analysis, kind, jobs) for kind in _drawn(analysis)] if analysis else []


def has_measures(analysis: Analysis) -> bool:
    """Whether there are such tables."""
    return bool(_drawn(analysis))


def values(analysis: Analysis | None, job: Job) -> Iterator[tuple[str, float, Reported | None]]:
    """(measure, value, reported) of a job, in the words of reported.csv."""
    if analysis is None:
        return
    for kind in _drawn(analysis):
        name, key = REPORTED[kind]
        for run in _runs(analysis, kind):
            if run["run"] == job.name:
                yield name, run[key], figures_of(job).get((NO_PROTOCOL, name))


def _drawn(analysis: Analysis) -> list[str]:
    names = {one.name for one in analysis.figures}
    return [kind for kind in _COLUMNS if kind in names]


def _grid(analysis: Analysis, kind: str, jobs: Mapping[str, Job]) -> Grid:
    runs = [run for run in _runs(analysis, kind) if run["run"] in jobs]
    reported = [figures_of(jobs[run["run"]]).get((NO_PROTOCOL, REPORTED[kind][0])) for run in runs]
    rows = [[Cell(run["run"]), *_cells(run, kind)] for run in runs]
    headers = ["job", *_COLUMNS[kind]]
    if any(reported):
        headers.append("reported")
        for row, one in zip(rows, reported, strict=True):
            row.append(Cell(f"{one.value:g}", one.value) if one else Cell(NOTHING))
    return Grid(kind, tuple(headers), tuple(map(tuple, rows)))


def _cells(run: Mapping[str, Any], kind: str) -> Iterator[Cell]:
    for path in _COLUMNS[kind].values():
        value: Any = run
        for key in path:
            value = value[key]
        yield Cell(NOTHING) if value is None else Cell(f"{value:.{_DECIMALS[kind]}f}", value)


def _runs(analysis: Analysis, kind: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = analysis.numbers(kind)["runs"]
    except (LookupError, TypeError) as error:
        raise DataError(f"{analysis.folder}: {kind}.json: no runs in it") from error
    return found
