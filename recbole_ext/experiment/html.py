"""One self-contained HTML page: sortable, filterable tables and interactive plots."""

from __future__ import annotations

from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from recbole_ext.experiment.grids import Cell, Grid, grids
from recbole_ext.experiment.plots import Plot, plots
from recbole_ext.experiment.report import Report, TableReport
from recbole_ext.experiment.report_text import HOW_TO_READ

_PAGE = Path(__file__).parent / "page"


def page(report: Report) -> str:
    """The text of ``report.html``. It loads nothing: plotly, styles and figures are in it."""
    style = (_PAGE / "page.css").read_text(encoding="utf-8")
    script = (_PAGE / "page.js").read_text(encoding="utf-8")
    title = escape(report.title)
    tables = "".join(map(_section, report.tables))
    drawn = "".join(map(_plots, plots(report).items()))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>\n{style}</style>\n<script>{get_plotlyjs()}</script></head>\n<body>\n"
        f"<h1>{title}</h1><p>{_emphasised(HOW_TO_READ)}</p>\n"
        '<label>Filter rows <input id="filter" type="search" '
        'placeholder="FPARec, ml-1m, NDCG@10 …"></label>\n'
        f"{tables}{drawn}\n<script>\n{script}</script>\n</body></html>\n"
    )


def _section(table: TableReport) -> str:
    shown = "".join(map(_table, grids(table)))
    return f"<section><h2>{escape(table.table.title)}</h2>{shown}</section>\n"


def _table(grid: Grid) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in grid.headers)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in grid.rows)
    return (
        f'<h3>{grid.kind}</h3><table class="{grid.kind}"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table>\n"
    )


def _cell(cell: Cell) -> str:
    value = "" if cell.value is None else f' data-value="{cell.value!r}"'
    best = ' class="best"' if cell.best else ""
    return f"<td{value}{best}>{escape(cell.text)}</td>"


def _plots(section: tuple[str, list[Plot]]) -> str:
    dataset, drawn = section
    return f"<section><h2>Figures: {escape(dataset)}</h2>{''.join(map(_figure, drawn))}</section>\n"


def _figure(plot: Plot) -> str:
    drawn = plot.figure.to_html(full_html=False, include_plotlyjs=False, div_id=plot.name)
    return f"<figure><figcaption>{escape(plot.title)}</figcaption>{drawn}</figure>\n"


def _emphasised(text: str) -> str:
    parts = escape(text).split("*")
    return "".join(f"<em>{part}</em>" if i % 2 else part for i, part in enumerate(parts))
