"""The figure of `recbole_ext analyze rollouts`: a panel for each statistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from textwrap import fill
from typing import Any

from recbole_ext.analysis.figures import new_figure, series, whole_numbers
from recbole_ext.inference.generation.report import HEADERS, LEGEND

Curve = tuple[str, str, list[float]]  # label, line style, one value for each step

_COLUMNS = 4
_PANEL = (3.2, 2.6)  # inches
_LEAST_SPAN = 0.05  # of a panel's largest value: what changes by less looks flat
_UNITS = {
    "HR@10": "share of users",
    "NDCG@10": "mean over users",
    "HR@10_set": "share of users",
    "NDCG@10_set": "mean over users",
    "entropy": "nats",
    "popularity": "mean percentile",
    "repeats": "share of users",
    "coverage": "share of items",
    "gini": "0 even, 1 uneven",
    "jaccard": "mean overlap, 0 to 1",
    "js_divergence": "bits",
}


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
        panel.set_ylabel(_UNITS[statistic], fontsize="small")
    for panel in panels[len(HEADERS) :]:
        panel.axis("off")
    figure.legend(*_legend(panels), loc="outside right lower")
    figure.suptitle(heading(reports))
    figure.supxlabel(fill(LEGEND, 170), fontsize="small")
    with Folder(output.parent).replacing(output.name) as beside:
        figure.savefig(beside, format=output.suffix[1:].lower(), dpi=150)


def heading(reports: Sequence[Mapping[str, Any]]) -> str:
    """The data sets, and of how many users' rollouts, where the reports say so."""
    parts = [
        str(report["dataset"]) + (f" ({report['users']:,} users)" if "users" in report else "")
        for report in reports
        if "dataset" in report
    ]
    return "rollouts" + (f" on {', '.join(dict.fromkeys(parts))}" if parts else "")


def limits(found: Sequence[Curve]) -> tuple[float, float] | None:
    """Bounds of the y axis around all values, :data:`_LEAST_SPAN` apart at least."""
    values = [value for _, _, curve in found for value in curve if isfinite(value)]
    if not values:
        return None
    low, high = min(values), max(values)
    span = max(high - low, _LEAST_SPAN * max(abs(low), abs(high)))
    if span == 0:
        return None
    return (low + high) / 2 - 0.55 * span, (low + high) / 2 + 0.55 * span


def _panel(panel: Any, title: str, found: Sequence[Curve]) -> None:
    panel.set(title=title, xlabel="step")
    whole_numbers(panel.xaxis)
    for place, (label, style, values) in enumerate(found):
        look = {**series(place), "linewidth": 1.3, "markersize": 4}
        if style == "--":
            look = {"color": "grey", "marker": "."}
        panel.plot(range(1, len(values) + 1), values, style, label=label, **look)
    if (bounds := limits(found)) is not None:
        panel.set_ylim(*bounds)


def _legend(panels: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """One entry for each label, over all panels."""
    entries: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    return list(entries.values()), list(entries)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else float(value) for value in values]
