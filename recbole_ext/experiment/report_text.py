"""A report as Markdown, and what a terminal shows of it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from urllib.parse import quote

from tabulate import tabulate

from recbole_ext.experiment.analyses import Analysis
from recbole_ext.experiment.cells import Cell, Grid
from recbole_ext.experiment.grids import CAPTIONS, grids
from recbole_ext.experiment.measured import has_measures
from recbole_ext.experiment.report import Report

HOW_TO_READ = """\
Leave-one-out, all items ranked, the best epoch by validation tested once. *kept*: items of the
history stay candidates; *masked*: they do not. Over several seeds: mean ± standard deviation
(median, where it differs). Bold: the best, as printed, of the jobs with as many seeds on the same
data. *reported*: what papers report, {reported}. *best epoch*: counted from 0, of how many run;
a run that was best in its last epochs was stopped by its budget. Seconds without evaluation, by the
median epoch, of machines that may have done other work as well; those of several machines stand
apart, in the order of *trained on*. *difference*: job minus baseline over the users of both, with a
bootstrap interval of 95 %; p values are two-sided, paired over users (bootstrap, Wilcoxon
signed-rank) and Holm-corrected over the jobs of the table. *≤*: none of 10,000 resamples lay on the
other side of 0, so that p is no more than that; it may be far less."""

MEASURES = """\
Attention of the newest 20 x 20 block, of the first seed's run, mean over up to 1,000 test
users, heads and layers. *S*: sparsity, less is more uneven; *S·m*: of the m real rows; *k*: rank
above the paper's threshold without noise; *uniform*: the same of attention that has learned
nothing."""


def how_to_read(report: Report) -> str:
    """The text above the tables."""
    orders = {"/".join(one.table.metrics) for one in report.tables}
    reported = orders.pop() if len(orders) == 1 else "in the order of the table's metrics"
    return HOW_TO_READ.format(reported=reported)


def markdown(report: Report) -> str:
    """The text of ``tables.md``."""
    parts = [f"# {report.title}", how_to_read(report)]
    for table in report.tables:
        parts += [f"## {table.table.title}", f"Data: {'; '.join(table.data())}"]
        if table.analysis and has_measures(table.analysis):
            parts.append(MEASURES)
        for grid in grids(table):
            caption = f"**{CAPTIONS[grid.kind]}**"
            parts += [caption, _markdown_grid(grid), *map(_markdown_note, grid.notes)]
        if table.analysis:
            parts += _markdown_figures(table.analysis)
    return "\n\n".join(parts) + "\n"


def _markdown_figures(analysis: Analysis) -> Iterator[str]:
    for one in analysis.figures:
        yield f"![{one.name}]({quote(analysis.image(one.name).as_posix())})"
    yield from analysis.left_out


def _markdown_grid(grid: Grid) -> str:
    rows = [[_markdown_cell(cell) for cell in row] for row in grid.rows]
    return tabulate(rows, grid.headers, "github", disable_numparse=True)


def _markdown_note(note: str) -> str:
    """Underscores of names would otherwise make parts of them slanted."""
    return note.replace("_", "\\_")


def _markdown_cell(cell: Cell) -> str:
    text = cell.text.replace("|", "\\|")
    return f"**{text}**" if cell.best else text


def summary(report: Report, jobs: Container[str]) -> str:
    """Of the tables with one of ``jobs``, what was found; costs and significance are in the files.

    A star stands behind what is bold there.
    """
    parts = []
    for table in report.tables:
        if any(one.job.name in jobs for one in table.jobs):
            found = [grid for grid in grids(table) if grid.kind not in ("cost", "significance")]
            parts += [table.table.title, *map(_plain_grid, found)]
    return "\n\n".join(parts)


def _plain_grid(grid: Grid) -> str:
    rows = [[f"{cell.text}*" if cell.best else cell.text for cell in row] for row in grid.rows]
    return tabulate(rows, grid.headers, disable_numparse=True)
