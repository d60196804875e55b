"""Sparsity of runs' attention: table, bars beside the nulls, and S·m by length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recbole_ext.analysis.blocks import SIZE, Layer, uniform_blocks
from recbole_ext.analysis.figures import NULL_LINES, legend_below, new_figure, series
from recbole_ext.analysis.sparsity import NULLS, sparsity, uniform
from recbole_ext.analysis.subject import Subject, mean, rounded

_BOUNDS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
_PANEL = (5.4, 4.2)
_SHADES = (1.0, 0.55, 0.3)  # of a run's colour, by layer


def numbers(subjects: Sequence[Subject]) -> dict[str, Any]:
    """S of the newest block by layer and head, S·m by length, and both nulls."""
    longest = max(int(subject.blocks.lengths.max()) for subject in subjects)
    return {
        "figure": "sparsity",
        "block": SIZE,
        "nulls": {
            name: {
                "S": rounded(float(sparsity(uniform(SIZE, causal)))),
                "by_length": _null_curve(longest, causal),
            }
            for name, causal in NULLS.items()
        },
        "runs": [_of_run(subject) for subject in subjects],
    }


def draw(data: dict[str, Any]) -> Any:
    """Left: S of each run and layer, nulls as lines. Right: S·m against the length m."""
    figure, ((bars, curves),) = new_figure(1, 2, _PANEL)
    _draw_bars(bars, data)
    for place, run in enumerate(data["runs"]):
        points = run["by_length"]
        x, y = [p["mean_length"] for p in points], [p["S_m"] for p in points]
        curves.plot(x, y, label=run["run"], **series(place))
    for name, null in data["nulls"].items():
        look = {"color": "black", "linewidth": 1.4, "zorder": 10, "label": f"uniform {name}"}
        curves.plot(*_columns(null["by_length"]), NULL_LINES[name], **look)
    curves.set(title="S·m of the m real rows, by length", ylabel="S·m", ylim=(0, 1.08))
    curves.set(xlabel="items m of a history (log scale)", xscale="log")
    shortest = min(p["mean_length"] for run in data["runs"] for p in run["by_length"])
    longest = max(m for null in data["nulls"].values() for m, _ in null["by_length"])
    curves.set_xlim(0.7 * shortest, 1.4 * longest)
    curves.set_xticks([m for m in _BOUNDS if 0.7 * shortest <= m <= 1.4 * longest])
    curves.minorticks_off()
    curves.xaxis.set_major_formatter("{x:g}")
    legend_below(figure, [curves], 5)
    return figure


def lines(data: dict[str, Any]) -> list[str]:
    """The table: a row for each run and layer, the nulls below."""
    from tabulate import tabulate

    rows: list[list[Any]] = []
    for run in data["runs"]:
        rows += [
            [run["run"], one["layer"], one["heads"], one["S"], one["S_m"]] for one in run["layers"]
        ]
        nulls = run["S_of_uniform"].values()
        rows.append([run["run"], "all", "", run["S"], run["S_m"], *nulls])
    size = data["block"]
    for name, null in data["nulls"].items():
        rows.append([f"uniform {name}, {size} items", "", "", null["S"], ""])
    headers = ("run", "layer", "heads", "S", "S·m", "uniform, bidirectional", "causal")
    title = f"sparsity of the newest {data['block']} x {data['block']} block; less is more uneven"
    return [title, *tabulate(rows, headers, floatfmt=".4f").splitlines()]


def _of_run(subject: Subject) -> dict[str, Any]:
    layers = [_of_layer(number, layer) for number, layer in subject.blocks.layers.items()]
    return {
        **subject.described,
        "S": mean([one["S"] for one in layers]),
        "S_m": mean([one["S_m"] for one in layers]),
        "S_of_uniform": {
            name: mean(sparsity(uniform_blocks(subject.blocks.lengths, causal)))
            for name, causal in NULLS.items()
        },
        "layers": layers,
        "by_length": _by_length(subject),
    }


def _of_layer(number: int, layer: Layer) -> dict[str, Any]:
    each = sparsity(layer.blocks)  # [U, s]
    return {
        "layer": number,
        "heads": each.shape[1],
        "S": mean(each),
        "S_by_head": [mean(head) for head in each.T],
        "S_m": mean(layer.scaled),
    }


def _by_length(subject: Subject) -> list[dict[str, Any]]:
    """Means over users, heads and layers, for lengths from one bound to the next."""
    lengths = subject.blocks.lengths
    points = []
    for low, high in zip(_BOUNDS, (*_BOUNDS[1:], np.inf), strict=True):
        users = (lengths >= low) & (lengths < high)
        if not users.any():
            continue
        scaled = [mean(layer.scaled[users]) for layer in subject.blocks.layers.values()]
        points.append(
            {
                "from_length": low,
                "mean_length": rounded(float(lengths[users].mean())),
                "users": int(users.sum()),
                "S_m": mean([value for value in scaled if value is not None]),
            }
        )
    return points


def _null_curve(longest: int, causal: bool) -> list[list[float]]:
    """(m, S·m) of the uniform matrices: 1, or 1/√H_m when causal."""
    lengths = sorted({*(bound for bound in _BOUNDS if bound < longest), longest})
    return [[m, rounded(m * float(sparsity(uniform(m, causal))))] for m in lengths]


def _columns(points: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _draw_bars(panel: Any, data: dict[str, Any]) -> None:
    """Bars in the colours that the curves of the runs have, paler from layer to layer."""
    runs = data["runs"]
    n_layers = max(len(run["layers"]) for run in runs)
    width = 0.8 / n_layers
    colours = [series(place)["color"] for place in range(len(runs))]
    for place in range(n_layers):
        at = [r + (place - (n_layers - 1) / 2) * width for r in range(len(runs))]
        heights = [run["layers"][place]["S"] if place < len(run["layers"]) else 0 for run in runs]
        shade = _SHADES[min(place, len(_SHADES) - 1)]
        panel.bar(at, heights, width, color=colours, alpha=shade, edgecolor="white")
        panel.bar([0], [0], color="dimgrey", alpha=shade, label=f"layer {place + 1}")
    ends = [r - 0.45 for r in range(len(runs))], [r + 0.45 for r in range(len(runs))]
    for name, style in NULL_LINES.items():
        height = [run["S_of_uniform"][name] for run in runs]
        panel.hlines(height, *ends, "black", style, label=f"uniform {name}, own lengths")
    panel.set_xticks(range(len(runs)), [run["run"] for run in runs], rotation=20, ha="right")
    panel.set(title=f"S of the newest {data['block']} slots", ylabel="S (less: more uneven)")
    panel.set_ylim(0, 1.35 * panel.get_ylim()[1])  # room for the legend
    panel.legend(fontsize="small", ncols=2)
