"""Write a report beside the results: as Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from recbole_ext.experiment import report_csv, report_latex, report_text
from recbole_ext.experiment.earlier import RESULTS
from recbole_ext.experiment.report import Report
from recbole_ext.files import Folder

PAGE = "report.html"
NO_PLOTLY = "no report.html: it needs the package plotly: pip install 'recbole_ext[report]'"


def write_report(report: Report, out: Path) -> list[str]:
    """Write all forms, each whole or not at all; returns lines that say what was written.

    Each is made and written before the next: one that fails takes none of those before along.
    """
    out.mkdir(parents=True, exist_ok=True)
    folder = Folder(out)
    forms = _forms()
    for name, form in forms.items():
        folder.write_text(name, form(report))
    lines = [] if PAGE in forms else [NO_PLOTLY]
    return [*lines, f"written: {', '.join(forms)} in {out}"]


def _forms() -> dict[str, Callable[[Report], str]]:
    """The functions that make the text of each file, the page last: it is the likeliest to fail."""
    forms: dict[str, Callable[[Report], str]] = {
        "tables.md": report_text.markdown,
        "tables.tex": report_latex.latex,
        RESULTS: report_csv.to_csv,
    }
    return forms if find_spec("plotly") is None else {**forms, PAGE: _page}


def _page(report: Report) -> str:
    from recbole_ext.experiment.html import page

    return page(report)
