"""What each choice is worth over many runs ('AE or AR attention', Figures 3 and 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from recbole_ext.analysis.figures import new_figure
from recbole_ext.analysis.finished import Finished
from recbole_ext.analysis.subject import rounded

LOCALITIES = ("AE", "local AE", "AR", "local AR")
# The value that others are compared with, where an axis has it.
_PLAIN = {
    "direction": "ae",
    "attention": "dot_product",
    "local heads": "none",
    "feature": "none",
    "backbone": "own blocks",
    "loss": "CE",
}

Data = dict[str, Any]
Design = tuple[tuple[str, str], ...]


def locality_numbers(runs: Sequence[Finished], metric: str) -> Data:
    """The mean over the runs of each data set and locality."""
    datasets = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        points = []
        for locality in LOCALITIES:
            found = [r for r in runs if r.dataset == dataset and r.locality == locality]
            if found:
                mean = rounded(fmean(run.score for run in found))
                scores = [rounded(run.score) for run in found]
                points.append({"locality": locality, "mean": mean, "runs": scores})
        datasets.append({"dataset": dataset, "points": points})
    return {"figure": "locality", "metric": metric, "datasets": datasets}


def choice_numbers(runs: Sequence[Finished], metric: str) -> Data:
    """What a choice adds, over all pairs of runs of one data set that differ in that axis alone.

    Runs of the same design (other seeds, other sizes) are averaged before. The change is relative
    to the run with the axis' plain value (AE, dot product, no local heads ...).
    """
    by_design = _averaged(runs)
    changes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (dataset, design), score in by_design.items():
        for axis, plain in _PLAIN.items():
            if dict(design)[axis] == plain:
                continue
            base = by_design.get((dataset, _with(design, axis, plain)))
            if base:
                changes[axis, dict(design)[axis]].append((score - base) / base)
    choices = [
        {
            "axis": axis,
            "value": value,
            "against": _PLAIN[axis],
            "pairs": len(found),
            "mean": rounded(fmean(found)),
            "each": [rounded(one) for one in found],
        }
        for (axis, value), found in changes.items()
    ]
    order = list(_PLAIN)
    choices.sort(key=lambda one: (order.index(str(one["axis"])), str(one["value"])))
    return {"figure": "choices", "metric": metric, "choices": choices}


def draw_locality(data: Data) -> Any:
    """A curve for each data set, its runs as points."""
    figure, ((panel,),) = new_figure(1, 1, (5.0, 3.4))
    shown = [name for name in LOCALITIES if name in _localities(data)]
    for colour, one in enumerate(data["datasets"]):
        at = [shown.index(point["locality"]) for point in one["points"]]
        means = [point["mean"] for point in one["points"]]
        panel.plot(at, means, marker="o", color=f"C{colour}", label=one["dataset"])
        for place, point in zip(at, one["points"], strict=True):
            each = point["runs"]
            panel.plot([place] * len(each), each, "x", color=f"C{colour}", alpha=0.5)
    panel.set_xticks(range(len(shown)), shown)
    panel.set(title="mean over runs (crosses) by locality", ylabel=f"test {data['metric']}")
    panel.margins(x=0.15, y=0.15)
    panel.legend(fontsize="small")
    return figure


def draw_choices(data: Data) -> Any:
    """A bar for each choice, in percent."""
    choices = data["choices"]
    figure, ((panel,),) = new_figure(1, 1, (6.4, 0.9 + 0.42 * len(choices)))
    names = [f"{one['axis']}: {one['value']} against {one['against']}" for one in choices]
    percent = [100 * one["mean"] for one in choices]
    panel.barh(names, percent, color=["C0" if value >= 0 else "C3" for value in percent])
    panel.axvline(0, color="black", linewidth=0.8)
    panel.invert_yaxis()
    figure.supxlabel(f"relative change of test {data['metric']}, %", fontsize="medium")
    return figure


def locality_lines(data: Data) -> list[str]:
    """The means as a table."""
    from tabulate import tabulate

    rows = [
        [one["dataset"], point["locality"], len(point["runs"]), point["mean"]]
        for one in data["datasets"]
        for point in one["points"]
    ]
    headers = ("data set", "locality", "runs", f"mean test {data['metric']}")
    return ["performance by locality", *tabulate(rows, headers, floatfmt=".4f").splitlines()]


def choice_lines(data: Data) -> list[str]:
    """The changes as a table."""
    from tabulate import tabulate

    rows = [
        [one["axis"], one["value"], one["against"], one["pairs"], f"{100 * one['mean']:+.1f} %"]
        for one in data["choices"]
    ]
    headers = ("axis", "choice", "against", "pairs", f"change of test {data['metric']}")
    return ["what a choice adds", *tabulate(rows, headers).splitlines()]


def _averaged(runs: Sequence[Finished]) -> dict[tuple[str, Design], float]:
    scores: dict[tuple[str, Design], list[float]] = defaultdict(list)
    for run in runs:
        scores[run.dataset, tuple(run.design.items())].append(run.score)
    return {key: fmean(found) for key, found in scores.items()}


def _with(design: Design, axis: str, value: str) -> Design:
    return tuple((name, value if name == axis else old) for name, old in design)


def _localities(data: Data) -> set[str]:
    return {point["locality"] for one in data["datasets"] for point in one["points"]}
