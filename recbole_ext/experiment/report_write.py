"""Write a report beside the results: as Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from recbole_ext.experiment import report_text
from recbole_ext.experiment.earlier import RESULTS
from recbole_ext.experiment.report import Report
from recbole_ext.files import Folder

NO_PLOTLY = "no report.html: it needs the package plotly: pip install 'recbole_ext[report]'"


def write_report(report: Report, out: Path) -> list[str]:
    """Write all forms, each whole or not at all; returns lines that say what was written."""
    out.mkdir(parents=True, exist_ok=True)
    texts = {
        "tables.md": report_text.markdown(report),
        "tables.tex": report_text.latex(report),
        RESULTS: report_text.to_csv(report),
    }
    lines = []
    if find_spec("plotly") is None:
        lines.append(NO_PLOTLY)
    else:
        from recbole_ext.experiment.html import page

        texts["report.html"] = page(report)
    folder = Folder(out)
    for name, text in texts.items():
        folder.write_text(name, text)
    return [*lines, f"written: {', '.join(texts)} in {out}"]
