"""Sorted singular values of attention, layer by layer, runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recbole_ext.analysis.blocks import SIZE, Layer, uniform_blocks
from recbole_ext.analysis.figures import draw_nulls, legend_below, new_figure, series, whole_numbers
from recbole_ext.analysis.rank import singular_values
from recbole_ext.analysis.sparsity import NULLS, uniform
from recbole_ext.analysis.subject import Subject, nested

_PANEL = (4.8, 4.6)


def numbers(subjects: Sequence[Subject]) -> dict[str, Any]:
    """Means over users and heads of the i-th largest value, and both nulls."""
    return {
        "figure": "spectrum",
        "block": SIZE,
        "nulls": {
            name: nested(singular_values(uniform(SIZE, causal))) for name, causal in NULLS.items()
        },
        "runs": [
            {
                **subject.described,
                "layers": _layers(subject.blocks.layers),
                "uniform": _uniform(subject),
            }
            for subject in subjects
        ],
    }


def draw(data: dict[str, Any]) -> Any:
    """A panel for each layer, a curve for each run that has it."""
    numbers_of_layers = sorted({one["layer"] for run in data["runs"] for one in run["layers"]})
    figure, (panels,) = new_figure(1, len(numbers_of_layers), _PANEL)
    places = range(1, data["block"] + 1)
    for panel, layer in zip(panels, numbers_of_layers, strict=True):
        having = []
        for place, run in enumerate(data["runs"]):
            for one in run["layers"]:
                if one["layer"] == layer:
                    panel.plot(places, one["singular_values"], label=run["run"], **series(place))
                    having.append(run)
        draw_nulls(panel, places, having)
        panel.set(title=f"layer {layer}", xlabel="i", ylim=(0, None))
        whole_numbers(panel.xaxis)
    panels[0].set_ylabel("i-th largest singular value")
    legend_below(figure, panels, 2 if len(panels) == 1 else 4)
    return figure


def lines(data: dict[str, Any]) -> list[str]:
    """The largest five of each layer."""
    from tabulate import tabulate

    rows = [
        [run["run"], one["layer"], *one["singular_values"][:5]]
        for run in data["runs"]
        for one in run["layers"]
    ]
    for name, values in data["nulls"].items():
        rows.append([f"uniform {name}, {data['block']} items", "", *values[:5]])
    headers = ("run", "layer", *(f"s{i}" for i in range(1, 6)))
    return ["largest singular values", *tabulate(rows, headers, floatfmt=".3f").splitlines()]


def _layers(layers: dict[int, Layer]) -> list[dict[str, Any]]:
    return [
        {
            "layer": number,
            "singular_values": nested(np.mean(singular_values(layer.blocks), axis=(0, 1))),
        }
        for number, layer in layers.items()
    ]


def _uniform(subject: Subject) -> dict[str, list[float]]:
    """The mean i-th value of uniform attention over the run's own histories, for both nulls."""
    lengths = subject.blocks.lengths
    return {
        name: nested(np.mean(singular_values(uniform_blocks(lengths, causal)), axis=0))
        for name, causal in NULLS.items()
    }
