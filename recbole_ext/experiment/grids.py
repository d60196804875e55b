"""The tables of a report as text in rows and columns, before they are Markdown, LaTeX or HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from recbole_ext.experiment.cells import NOTHING, Cell, Grid
from recbole_ext.experiment.comparisons import Comparison
from recbole_ext.experiment.gather import (
    KEPT,
    MASKED,
    PROTOCOLS,
    Gathered,
    Statistic,
    comparable,
)
from recbole_ext.experiment.jobs import Job
from recbole_ext.experiment.measured import NO_PROTOCOL, REPORTED, measured
from recbole_ext.experiment.report import TableReport, by_device, device
from recbole_ext.experiment.reported import figures_of
from recbole_ext.experiment.significance import RESAMPLES, bootstrap_p
from recbole_ext.experiment.validation import NOTE, agreed, own, short

CAPTIONS = {
    "quality": "Quality: test, leave-one-out, all items ranked; the best in bold",
    "cost": "Cost: training without evaluation",
    "significance": "Significance: paired over users, Holm-corrected",
    "sparsity": "Sparsity of attention",
    "rank": "Rank of attention",
}
DECIMALS = 4
SMALLEST_P = bootstrap_p(np.ones(RESAMPLES))  # no resample on the other side


def grids(report: TableReport) -> list[Grid]:
    """Attention where it was measured, quality, cost and, with a baseline, significance."""
    jobs = {one.job.name: one.job for one in report.jobs}
    attention = (_with_sources(grid, jobs) for grid in measured(report.analysis, jobs))
    found = [*attention, quality(report), cost(report)]
    return [*found, significance(report.comparisons)] if report.comparisons else found


def quality(report: TableReport) -> Grid:
    """Metrics of the test under both protocols beside what papers report."""
    metrics = report.table.metrics
    chosen_by = agreed(report.jobs)
    headers = ["job", "seeds", f"valid {short(chosen_by)}" if chosen_by else "valid"]
    columns: list[Callable[[Gathered], Cell]] = [
        lambda one: Cell(one.job.name),
        lambda one: Cell(" ".join(str(run.seed) for run in one.runs), len(one.runs)),
        lambda one: figure(one.validation()) if chosen_by else own(figure(one.validation()), one),
    ]
    best: list[int] = []
    for protocol in PROTOCOLS:
        for metric in metrics:
            best.append(len(headers))
            headers.append(f"{metric} {_short(protocol)}")
            columns.append(lambda one, m=metric, p=protocol: figure(one.metric(m, p)))  # type: ignore[misc]
        if any(_reported(one, protocol, metrics) != NOTHING for one in report.jobs):
            headers.append(f"reported, {_short(protocol)}")
            columns.append(lambda one, p=protocol: Cell(_reported(one, p, metrics)))  # type: ignore[misc]
    rows = [[column(one) for column in columns] for one in report.jobs]
    for among in _ranked(report.jobs):
        _mark_best([row for row, one in zip(rows, report.jobs, strict=True) if one in among], best)
    figures = {one.job.name: figures_of(one.job) for one in report.jobs}
    shown = {(protocol, metric) for protocol in PROTOCOLS for metric in metrics}
    sources = {
        name: dict.fromkeys(one.source for place, one in found.items() if place in shown)
        for name, found in figures.items()
    }
    notes = (*([] if chosen_by else [NOTE]), *_left_out(report), *sources_of(sources))
    return Grid("quality", tuple(headers), tuple(map(tuple, rows)), notes)


def _left_out(report: TableReport) -> Iterator[str]:
    """A line for each job of which a metric of the table is not known."""
    for one in report.jobs:
        missing = [m for m in report.table.metrics if one.metric(m, KEPT) is None]
        if missing:
            yield f"{NOTHING}: {one.job.name} was not tested by {', '.join(missing)}."


def _with_sources(grid: Grid, jobs: Mapping[str, Job]) -> Grid:
    """A table of attention, with where its reported figures are from."""
    names = [row[0].text for row in grid.rows]
    place = NO_PROTOCOL, REPORTED[grid.kind][0]
    found = {name: figures_of(jobs[name]).get(place) for name in names}
    sources = {name: [one.source] for name, one in found.items() if one}
    return replace(grid, notes=(*grid.notes, *sources_of(sources)))


def sources_of(sources: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A line for each source of reported figures; of several each names its jobs."""
    jobs: dict[str, list[str]] = {}
    for job, names in sources.items():
        for name in names:
            jobs.setdefault(name, []).append(job)
    if len(jobs) == 1:
        return tuple(f"Reported in: {name}." for name in jobs)
    return tuple(f"Reported in: {name} ({', '.join(of)})." for name, of in jobs.items())


def cost(report: TableReport) -> Grid:
    """Parameters, times, and what these were taken on."""
    headers = ("job", "best epoch", "s an epoch", "s to best", "parameters", "trained on")
    rows = tuple(map(_cost_row, report.jobs))
    runs = [run for one in report.jobs for run in one.runs]
    notes = []
    if any(device(run) == NOTHING for run in runs):
        notes.append(f"*trained on* {NOTHING}: the run has not noted what.")
    if any("torch" in device(run) for run in runs):
        notes.append(
            "*trained on* with a version of torch: the run has noted its machine's CPUs only, "
            "not whether it used a GPU."
        )
    return Grid("cost", headers, rows, tuple(notes))


def _cost_row(one: Gathered) -> tuple[Cell, ...]:
    apart = by_device(one)
    return (
        Cell(one.job.name),
        Cell(_best_epochs(one), one.number("best_epoch").median),
        seconds([same.number("seconds_per_epoch") for same in apart.values()]),
        seconds([same.time_to_best() for same in apart.values()]),
        Cell(f"{one.runs[0].metrics['parameters']:,}", one.runs[0].metrics["parameters"]),
        Cell("; ".join(apart)),
    )


def significance(comparisons: Sequence[Comparison]) -> Grid:
    """A row for each comparison."""
    # Holm's step hands the value of one comparison on to the next of its family, so that a bound
    # may be the value of one that is not at the resolution itself.
    bounds = {
        (one.protocol, one.metric, one.holm_bootstrap)
        for one in comparisons
        if one.difference.p_bootstrap <= SMALLEST_P
    }
    headers = (
        "job", "baseline", "metric", "users", "difference", "95 % interval",
        "p bootstrap (Holm)", "p Wilcoxon (Holm)",
    )  # fmt: skip
    rows = (
        (
            Cell(one.job),
            Cell(one.baseline),
            Cell(f"{one.metric} {_short(one.protocol)}"),
            Cell(f"{one.users:,}", one.users),
            Cell(f"{one.difference.mean:+.4f}", one.difference.mean),
            Cell(f"{one.difference.low:+.4f} to {one.difference.high:+.4f}", one.difference.low),
            p_value(one.holm_bootstrap, (one.protocol, one.metric, one.holm_bootstrap) in bounds),
            p_value(one.holm_wilcoxon),
        )
        for one in comparisons
    )
    return Grid("significance", headers, tuple(rows))


def figure(statistic: Statistic | None) -> Cell:
    """``0.2556``, over several seeds ``0.2556 ± 0.0012 (0.2550)``: mean ± sd (median).

    The median is left out where it is the mean, as printed.
    """
    if statistic is None:
        return Cell(NOTHING)
    mean, median = (f"{value:.{DECIMALS}f}" for value in (statistic.mean, statistic.median))
    if statistic.sd is None:
        return Cell(mean, statistic.mean)
    text = f"{mean} ± {statistic.sd:.{DECIMALS}f}" + (f" ({median})" if median != mean else "")
    seeds = ", ".join(f"{value:.{DECIMALS}f}" for value in statistic.values)
    return Cell(text, statistic.mean, hint=f"median {median} of {seeds}")


def seconds(statistics: Sequence[Statistic]) -> Cell:
    """The median on each device, ``17.3; 5.7``; sorted by the first."""
    medians = [one.median for one in statistics]
    return Cell("; ".join(f"{one:,.1f}" for one in medians), medians[0])


def p_value(p: float, bound: bool = False) -> Cell:
    """Four decimals, ``≤ 0.0004`` where p is no more than that bound, or ``< 0.0001``."""
    text = "< 0.0001" if p < 0.0001 else f"{p:.4f}"
    return Cell(f"≤ {text}" if bound and p >= 0.0001 else text, p)


def _best_epochs(one: Gathered) -> str:
    """``24 of 36, 20 of 32``, by seed."""
    return ", ".join(
        f"{NOTHING if run.best_epoch is None else run.best_epoch} of {run.metrics['epochs']}"
        for run in one.runs
    )


def _short(protocol: str) -> str:
    return {KEPT: "kept", MASKED: "masked"}[protocol]


def _reported(one: Gathered, protocol: str, metrics: Iterable[str]) -> str:
    """``.2419/.1232``: the metrics as published."""
    figures = figures_of(one.job)
    values = [figures.get((protocol, metric)) for metric in metrics]
    if not any(values):
        return NOTHING
    return "/".join(NOTHING if value is None else f"{value.value:.4f}" for value in values)


def _ranked(jobs: Iterable[Gathered]) -> Iterator[list[Gathered]]:
    """Jobs whose figures may be ranked.

    The best of one seed each is luck in part; it must not stand above a mean of several.
    """
    for among in comparable(jobs).values():
        for seeds in sorted({len(one.runs) for one in among}):
            yield [one for one in among if len(one.runs) == seeds]


def _mark_best(rows: list[list[Cell]], columns: list[int]) -> None:
    """Mark the highest cells of each column, if there are several: ties as a reader sees them."""
    for column in columns:
        values = [_printed(row[column].value) for row in rows]
        known = [value for value in values if value is not None]
        for row, value in zip(rows, values, strict=True):
            if len(known) > 1 and value == max(known):
                row[column] = replace(row[column], best=True)


def _printed(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DECIMALS}f}")
