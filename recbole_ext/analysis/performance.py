"""What each choice is worth over many runs ('AE or AR attention', Figures 3 and 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from textwrap import fill
from typing import Any

from recbole_ext.analysis.design_point import DesignPoint
from recbole_ext.analysis.figures import new_figure
from recbole_ext.analysis.subject import rounded

LOCALITIES = ("AE", "local AE", "AR", "local AR")

Data = dict[str, Any]
# The value that others are compared with, where an axis has it.
PLAIN = {
    "direction": "ae",
    "attention": "dot_product",
    "local heads": "none",
    "feature": "none",
    "backbone": "own blocks",
    "loss": "CE",
}
# What spells an axis in config.yaml: it changes with the axis, and says no more than that.
_NEGATIVES = ("n_negatives", "negative_sampling", "negatives_shared", "popularity_exponent")
_CALIBRATION = ("in_batch_share", "gbce_t", "logq_correction", "exclude_history")
_MIXERS = ("factor_rank", "attention_pattern", "attention_shares", "attention_sum")
_KEYS: dict[str, tuple[str, ...]] = {
    "direction": ("direction", "mask_ratio", "mask_last_prob", "transform"),
    "attention": ("attention", *_MIXERS, "filter_direction", "filter_frequencies"),
    "local heads": ("n_local_heads", "local_attention", "local_window"),
    "feature": ("user_embedding",),
    "backbone": ("backbone", "backbone_config"),
    "loss": ("loss_type", "train_neg_sample_args", *_NEGATIVES, *_CALIBRATION),
}
# Axes whose keys lie idle at the plain value: n_local_heads 0 uses no window.
_IDLE = ("attention", "local heads", "loss")


@dataclass(frozen=True)
class Pair:
    """Two experiments of one data set, the second with the plain value of an axis.

    Attributes:
        run, base: models' names.
        change: (score - base's) / base's; means over seeds.
        differ: keys and axes beside the axis in which they differ.
    """

    run: str
    base: str
    dataset: str
    change: float
    differ: tuple[str, ...]

    @property
    def described(self) -> dict[str, Any]:
        """As JSON says it."""
        names = {"run": self.run, "base": self.base, "dataset": self.dataset}
        return {**names, "differ": list(self.differ)}


@dataclass(frozen=True)
class Choice:
    """A value of an axis beside the plain one, the pairs that show it, the two nearest runs."""

    axis: str
    value: str
    pairs: list[Pair]
    nearest: Pair


def locality_numbers(runs: Sequence[DesignPoint], metric: str) -> Data:
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


def choices_of(runs: Sequence[DesignPoint]) -> list[Choice]:
    """All choices of which some data set has both sides, in the order of :data:`PLAIN`."""
    found: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    experiments = _experiments(runs)
    for (run, score), (base, plain) in product(experiments, repeat=2):
        for axis in PLAIN if run.dataset == base.dataset and plain else ():
            value = run.design[axis]
            if value != PLAIN[axis] == base.design[axis]:
                change, differ = (score - plain) / plain, tuple(_differences(run, base, axis))
                found[axis, value].append(Pair(run.name, base.name, run.dataset, change, differ))
    order = list(PLAIN)
    return [
        Choice(axis, value, [p for p in pairs if not p.differ], min(pairs, key=_distance))
        for (axis, value), pairs in sorted(
            found.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]


def choice_numbers(runs: Sequence[DesignPoint], metric: str) -> Data:
    """What a choice adds, over all pairs of runs of one data set that differ in that axis alone.

    All other settings agree; seeds of one experiment are averaged before. The change is relative
    to the run with the axis' plain value (AE, dot product, no local heads ...). A choice without a
    pair has the two runs that come nearest to one.
    """
    choices = [
        {
            "axis": one.axis,
            "value": one.value,
            "against": PLAIN[one.axis],
            "pairs": len(one.pairs),
            "mean": rounded(fmean(each)) if (each := [p.change for p in one.pairs]) else None,
            "each": [rounded(change) for change in each],
            "of": [pair.described for pair in one.pairs],
            "nearest": None if one.pairs else one.nearest.described,
        }
        for one in choices_of(runs)
    ]
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
    """A row for each choice, in percent: a dot for each pair, a bar at their mean."""
    choices = data["choices"]
    figure, ((panel,),) = new_figure(1, 1, (8.6, 1.3 + 0.5 * len(choices)))
    for row, one in enumerate(choices):
        each = [100 * change for change in one["each"]]
        panel.plot(each, [row] * len(each), "o", color="C0", alpha=0.6)
        if each:
            panel.plot(100 * one["mean"], row, "|", color="black", markersize=18)
        else:
            look = {"fontsize": "x-small", "va": "center", "backgroundcolor": "white"}
            why = fill(_unpaired(one, 2), 60)
            panel.text(0.02, row, why, transform=panel.get_yaxis_transform(), **look)
    names = [
        f"{one['axis']}: {one['value']} against {one['against']}\n{_count(one['pairs'])}"
        for one in choices
    ]
    panel.set_yticks(range(len(choices)), names, fontsize="small")
    panel.set_ylim(len(choices) - 0.5, -0.5)
    panel.axvline(0, color="black", linewidth=0.8, zorder=0)
    panel.margins(x=0.1)
    panel.set_title("dots: pairs of runs whose other settings agree; bar: mean", fontsize="small")
    if not any(one["pairs"] for one in choices):
        panel.set_xticks([])
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
    """The changes as a table, and a line for each choice that no pair shows."""
    from tabulate import tabulate

    rows = [
        [one["axis"], one["value"], one["against"], one["pairs"], f"{100 * one['mean']:+.1f} %"]
        for one in data["choices"]
        if one["pairs"]
    ]
    headers = ("axis", "choice", "against", "pairs", f"change of test {data['metric']}")
    table = tabulate(rows, headers).splitlines() if rows else []
    missing = [
        f"{one['axis']}, {one['value']} against {one['against']}: {_unpaired(one, 99)}"
        for one in data["choices"]
        if not one["pairs"]
    ]
    return ["what a choice adds, other settings alike", *table, *missing]


def _count(pairs: int) -> str:
    return "1 pair" if pairs == 1 else f"{pairs or 'no'} pairs"


def _unpaired(one: Data, most: int) -> str:
    """Why a choice has no pair: in what else the nearest two runs differ."""
    nearest, keys = one["nearest"], one["nearest"]["differ"]
    rest = f" and {len(keys) - most} more" if len(keys) > most else ""
    runs = f"{nearest['run']} and {nearest['base']}"
    return f"no pair: {runs} also differ in {', '.join(keys[:most])}{rest}"


def _differences(run: DesignPoint, base: DesignPoint, axis: str) -> Iterator[str]:
    """Axes and keys, save ``axis`` and its keys, in which two runs differ.

    Keys that one of the two lacks belong to its blocks, or to a newer version: not compared.
    """
    for other in PLAIN:
        if other != axis and run.design[other] != base.design[other]:
            yield other
    spelled = {key for keys in _KEYS.values() for key in keys}
    for other, keys in _KEYS.items():
        same = run.design[other] == base.design[other]
        idle = other in _IDLE and run.design[other] == PLAIN[other]
        if same and other != axis and not idle:
            yield from (key for key in keys if _unlike(run, base, key))
    yield from (key for key in run.settings if key not in spelled and _unlike(run, base, key))


def _unlike(run: DesignPoint, base: DesignPoint, key: str) -> bool:
    both = key in run.settings and key in base.settings
    return both and run.settings[key] != base.settings[key]


def _experiments(runs: Sequence[DesignPoint]) -> list[tuple[DesignPoint, float]]:
    """Runs that differ in circumstances alone, as one of them and their mean score."""
    groups: dict[Any, list[DesignPoint]] = defaultdict(list)
    for run in runs:
        key = (run.dataset, *sorted(run.design.items()), *sorted(run.settings.items()))
        groups[key].append(run)
    return [(group[0], fmean(run.score for run in group)) for group in groups.values()]


def _distance(pair: Pair) -> tuple[int, int]:
    """Another axis is further away than any number of keys."""
    return sum(name in PLAIN for name in pair.differ), len(pair.differ)


def _localities(data: Data) -> set[str]:
    return {point["locality"] for one in data["datasets"] for point in one["points"]}
