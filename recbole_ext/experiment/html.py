"""One self-contained HTML page: sortable, filterable tables and interactive plots."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from recbole_ext.experiment.analyses import Analysis, Drawn
from recbole_ext.experiment.cells import Cell, Grid
from recbole_ext.experiment.gather import Gathered
from recbole_ext.experiment.grids import CAPTIONS, grids
from recbole_ext.experiment.measured import has_measures
from recbole_ext.experiment.plots import Plot, plots
from recbole_ext.experiment.report import Report, TableReport
from recbole_ext.experiment.report_text import MEASURES, how_to_read

_PAGE = Path(__file__).parent / "page"


def page(report: Report) -> str:
    """The text of ``report.html``. It loads nothing: plotly, styles and figures are in it."""
    style = (_PAGE / "page.css").read_text(encoding="utf-8")
    script = (_PAGE / "page.js").read_text(encoding="utf-8")
    title = escape(report.title)
    tables = "".join(map(_section, report.tables))
    jobs = report.jobs()
    drawn = "".join(_plots(name, jobs[name], of) for name, of in plots(report).items())
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n"
        f"<style>\n{style}</style>\n<script>{get_plotlyjs()}</script></head>\n<body>\n"
        f"<h1>{_marked(report.title)}</h1><p>{_marked(how_to_read(report))}</p>\n"
        "<p>A click on a column's head sorts by it. Every plot can be zoomed; a click on a name in "
        "its legend hides that job, two show it alone.</p>\n"
        '<label>Filter rows <input id="filter" type="search" '
        f'placeholder="{escape(_example(report))}"><output id="shown"></output></label>\n'
        f"{tables}{drawn}\n<script>\n{script}</script>\n</body></html>\n"
    )


def _example(report: Report) -> str:
    """Words to filter by that stand in one row: those of the job with most of them."""
    names = [one.job.name for jobs in report.jobs().values() for one in jobs]
    return " ".join(max((name.split("_") for name in names), key=len, default=[])[:3])


def _section(table: TableReport) -> str:
    shown = "".join(map(_table, grids(table)))
    if table.analysis:
        measures = f"<p>{_marked(MEASURES)}</p>" if has_measures(table.analysis) else ""
        shown = f"{measures}{shown}{_images(table.analysis)}"
    data = f'<p class="data">Data: {escape("; ".join(table.data()))}</p>'
    return f'<section class="tables"><h2>{_marked(table.table.title)}</h2>{data}{shown}</section>\n'


def _images(analysis: Analysis) -> str:
    drawn = "".join(_image(analysis, one) for one in analysis.figures)
    return drawn + "".join(f"<p>{escape(line)}</p>" for line in analysis.left_out)


def _image(analysis: Analysis, one: Drawn) -> str:
    """The figure itself, in the page, and its table where there is one."""
    content = b64encode(analysis.vector(one.name)).decode("ascii")
    shown = f'<img alt="{escape(one.name)}" src="data:image/svg+xml;base64,{content}">'
    if one.lines:
        table = escape("\n".join(one.lines))
        shown += f"<details><summary>its numbers</summary><pre>{table}</pre></details>"
    title = one.name.replace("_", " ").capitalize()
    return f"<figure><figcaption>{escape(title)}</figcaption>{shown}</figure>\n"


def _table(grid: Grid) -> str:
    heads = "".join(f'<th tabindex="0">{escape(name)}</th>' for name in grid.headers)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in grid.rows)
    return (
        f'<div class="grid"><h3>{CAPTIONS[grid.kind]}</h3><div class="scroll"><div class="wide">'
        f'<table class="{grid.kind}">'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div></div>\n"
        f"{''.join(map(_note, grid.notes))}</div>\n"
    )


def _cell(cell: Cell) -> str:
    value = "" if cell.value is None else f' data-value="{cell.value!r}"'
    best = ' class="best"' if cell.best else ""
    title = f' title="{escape(cell.hint)}"' if cell.hint else ""
    text = _broken(escape(cell.text))
    if cell.hint:
        text = text.replace(" (", " <wbr>(")  # the median may stand below the mean
    return f"<td{value}{best}{title}>{text}</td>"


def _plots(dataset: str, jobs: list[Gathered], drawn: list[Plot]) -> str:
    names = escape("\n".join(one.job.name for one in jobs))
    return (
        f'<section class="plots" data-jobs="{names}"><h2>Plots: {escape(dataset)}</h2>'
        f"{''.join(map(_figure, drawn))}</section>\n"
    )


def _figure(plot: Plot) -> str:
    drawn = ""
    if len(plot.figure.data):
        drawn = plot.figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            div_id=plot.name,
            config={"responsive": True, "displaylogo": False},
        )
    note = _note(plot.note) if plot.note else ""
    return f"<figure><figcaption>{escape(plot.title)}</figcaption>{drawn}{note}</figure>\n"


def _note(line: str) -> str:
    return f'<p class="note">{_broken(_marked(line))}</p>'


def _broken(text: str) -> str:
    """Names of jobs may be broken behind an underscore."""
    return text.replace("_", "_<wbr>")


def _marked(text: str) -> str:
    """``*word*`` emphasised, and what stands between backticks as code."""
    found = escape(text)
    for sign, tag in (("*", "em"), ("`", "code")):
        parts = found.split(sign)
        if len(parts) % 2:  # every sign has its other
            found = "".join(f"<{tag}>{p}</{tag}>" if i % 2 else p for i, p in enumerate(parts))
    return found
