"""A report as Markdown, LaTeX and CSV, and what a terminal shows of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Container, Iterator
from typing import Any
from urllib.parse import quote

from tabulate import tabulate

from recbole_ext.experiment.analyses import Analysis
from recbole_ext.experiment.cells import Cell, Grid
from recbole_ext.experiment.comparisons import Comparison
from recbole_ext.experiment.earlier import values_text
from recbole_ext.experiment.gather import PARTS, Gathered
from recbole_ext.experiment.grids import CAPTIONS, grids
from recbole_ext.experiment.jobs import Table
from recbole_ext.experiment.measured import has_measures, values
from recbole_ext.experiment.report import Report, TableReport, by_device
from recbole_ext.experiment.reported import Reported, figures_of

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

_ESCAPED = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "–": "--", "<": "$<$", ">": "$>$", "≤": r"$\le$", "×": r"$\times$",
    "·": r"$\cdot$",
}  # fmt: skip
# What titles and settings are called by: pdflatex knows no other Greek.
_GREEK = dict(
    α="alpha", β="beta", γ="gamma", δ="delta", ε="epsilon", ζ="zeta", η="eta", θ="theta",
    κ="kappa", λ="lambda", μ="mu", ν="nu", ξ="xi", π="pi", ρ="rho", σ="sigma", τ="tau", φ="phi",
    χ="chi", ψ="psi", ω="omega",
)  # fmt: skip
_ESCAPED |= {letter: rf"$\{name}$" for letter, name in _GREEK.items()}
_MINUS = re.compile(r"(?<![\w.)}-])-(?=\d)")


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


def latex(report: Report) -> str:
    """The text of ``tables.tex``: floats with captions and labels, no wider than a column."""
    parts = [f"% {report.title}: needs booktabs and graphicx", _comment(how_to_read(report))]
    if any(one.analysis and has_measures(one.analysis) for one in report.tables):
        parts.append(_comment(MEASURES))
    for table in report.tables:
        parts += [_latex_grid(grid, table.table, report.name) for grid in grids(table)]
        if table.analysis:
            images = (table.analysis.image(one.name) for one in table.analysis.figures)
            parts += [f"% {table.table.title}: figure {image}" for image in images]
    return "\n\n".join(parts) + "\n"


def _comment(text: str) -> str:
    return "\n".join(f"% {line}" for line in text.splitlines())


def _latex_grid(grid: Grid, table: Table, name: str) -> str:
    label = re.sub(r"[^\w.:-]+", "-", f"tab:{name}-{table.key}-{grid.kind}")
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex_text(table.title)}. {_latex_text(CAPTIONS[grid.kind])}.}}",
        rf"\label{{{label}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * (len(grid.headers) - 1)}}}",
        r"\toprule",
        " & ".join(map(escaped, grid.headers)) + r" \\",
        r"\midrule",
        *(" & ".join(map(_latex_cell, row)) + r" \\" for row in grid.rows),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\smallskip{{\footnotesize {_latex_text(note)}\par}}" for note in grid.notes),
        r"\end{table}",
    ]
    return "\n".join(lines)


def _latex_cell(cell: Cell) -> str:
    return rf"\textbf{{{escaped(cell.text)}}}" if cell.best else escaped(cell.text)


def _latex_text(text: str) -> str:
    """Prose: what stands between backticks is code, between stars emphasised."""
    found = escaped(text)
    found = re.sub(r"`([^`]*)`", r"\\texttt{\1}", found)
    return re.sub(r"\*([^*]+)\*", r"\\emph{\1}", found)


def escaped(text: str) -> str:
    """``text`` as LaTeX prints it; a hyphen before a number is a minus, within a name it is not."""
    found = "".join(_ESCAPED.get(character, character) for character in text)
    return _MINUS.sub("$-$", found)


CSV_COLUMNS = (
    "table", "job", "model", "dataset", "seeds", "part", "protocol", "metric", "mean", "sd",
    "median", "values", "reported", "reported_in", "parameters", "seconds_per_epoch",
    "seconds_to_best", "trained_on", "baseline", "users", "difference", "ci_low", "ci_high",
    "p_bootstrap", "p_wilcoxon", "p_bootstrap_holm", "p_wilcoxon_holm",
)  # fmt: skip


def to_csv(report: Report) -> str:
    """The text of ``results.csv``: every metric of every job in a row, in full precision.

    Seconds are those of the first device where a job was trained on several.
    """
    written = io.StringIO()
    writer = csv.DictWriter(written, CSV_COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for table in report.tables:
        for one in table.jobs:
            writer.writerows(_csv_rows(table, one))
    return written.getvalue()


def _csv_rows(table: TableReport, one: Gathered) -> Iterator[dict[str, Any]]:
    devices = by_device(one)
    timed = next(iter(devices.values()))
    shared = {
        "table": table.table.key,
        "job": one.job.name,
        "model": one.job.model,
        "dataset": one.job.dataset,
        "seeds": " ".join(str(run.seed) for run in one.runs),
        "parameters": one.runs[0].metrics["parameters"],
        "seconds_per_epoch": timed.number("seconds_per_epoch").median,
        "seconds_to_best": timed.time_to_best().median,
        "trained_on": "; ".join(devices),
    }
    tested = {(c.protocol, c.metric): c for c in table.comparisons if c.job == one.job.name}
    reported = figures_of(one.job)
    for (part, protocol), key in PARTS.items():
        for metric in one.runs[0].metrics[key]:
            statistic = one.metric(metric, protocol, part)
            if statistic is None:
                continue
            row = {"part": part, "protocol": protocol, "metric": metric, "mean": statistic.mean}
            row |= {"sd": "" if statistic.sd is None else statistic.sd}
            row |= {"median": statistic.median, "values": values_text(statistic)}
            if part == "test":
                row |= _csv_comparison(tested.get((protocol, metric)))
                row |= _csv_reported(reported.get((protocol, metric)))
            yield shared | row
    for name, value, published in values(table.analysis, one.job):
        row = {"part": "attention", "metric": name, "mean": value, "values": repr(value)}
        row |= {"seeds": one.runs[0].seed} | _csv_reported(published)
        yield shared | row


def _csv_reported(one: Reported | None) -> dict[str, Any]:
    return {"reported": one.value, "reported_in": one.source} if one else {}


def _csv_comparison(one: Comparison | None) -> dict[str, Any]:
    if one is None:
        return {}
    return {
        "baseline": one.baseline,
        "users": one.users,
        "difference": one.difference.mean,
        "ci_low": one.difference.low,
        "ci_high": one.difference.high,
        "p_bootstrap": one.difference.p_bootstrap,
        "p_wilcoxon": one.difference.p_wilcoxon,
        "p_bootstrap_holm": one.holm_bootstrap,
        "p_wilcoxon_holm": one.holm_wilcoxon,
    }
