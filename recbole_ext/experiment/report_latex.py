"""A report as LaTeX."""

from __future__ import annotations

import re

from recbole_ext.experiment.cells import Cell, Grid
from recbole_ext.experiment.grids import CAPTIONS, grids
from recbole_ext.experiment.jobs import Table
from recbole_ext.experiment.measured import has_measures
from recbole_ext.experiment.report import Report
from recbole_ext.experiment.report_text import MEASURES, how_to_read

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
