"""The figure of `recbole_ext analyze rollouts`: a panel for each statistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recbole_ext.analysis.figures import new_figure, whole_numbers
from recbole_ext.inference.generation.report import HEADERS

Curve = tuple[str, str, list[float]]  # label, line style, one value for each step

_COLUMNS = 4
_PANEL = (3.2, 2.4)  # inches


def curves(
    statistic: str, reports: Sequence[Mapping[str, Any]], labels: Sequence[str]
) -> list[Curve]:
    """The curves of one panel: each report's, and the held-out items' where they have one.

    The held-out items of data sets or horizons that differ are as many reference lines.
    """
    found: list[Curve] = []
    for report, label in zip(reports, labels, strict=True):
        if statistic in report["model_statistics"]:
            found.append((label, "-", _numbers(report["model_statistics"][statistic])))
    references: list[list[float]] = []
    for report in reports:
        truth = report["truth_statistics"].get(statistic)
        if truth is not None and truth not in references:
            references.append(truth)
            found.append(("held out", "--", _numbers(truth)))
    return found


def draw(reports: Sequence[Mapping[str, Any]], labels: Sequence[str], output: Path) -> None:
    """Write the figure to ``output``, whole or not at all.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    from recbole_ext.files import Folder

    rows = -(-len(HEADERS) // _COLUMNS)
    figure, grid = new_figure(rows, _COLUMNS, _PANEL)
    panels = list(grid.ravel())
    for panel, (statistic, title) in zip(panels, HEADERS.items(), strict=False):
        _panel(panel, title, curves(statistic, reports, labels))
    for panel in panels[len(HEADERS) :]:
        panel.axis("off")
    figure.legend(*_legend(panels), loc="lower right")
    with Folder(output.parent).replacing(output.name) as beside:
        figure.savefig(beside, format=output.suffix[1:].lower(), dpi=150)


def _panel(panel: Any, title: str, found: Sequence[Curve]) -> None:
    panel.set(title=title, xlabel="step")
    whole_numbers(panel.xaxis)
    for label, style, values in found:
        colour = {"color": "grey"} if style == "--" else {}
        panel.plot(range(1, len(values) + 1), values, style, label=label, marker=".", **colour)


def _legend(panels: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """One entry for each label, over all panels."""
    entries: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    return list(entries.values()), list(entries)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else float(value) for value in values]
