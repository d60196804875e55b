"""Mean attention of the newest slots as heat maps, above their rank-5 approximations.

('AE or AR attention', its first figure: AE, local AE and AR side by side.) Averaged are users whose
block is full, so that padding dims nothing; all users where nobody's is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_ext.analysis.figures import colour_bar, heat, new_figure
from recbole_ext.analysis.rank import low_rank
from recbole_ext.analysis.subject import Subject, nested, rounded

RANK = 5
_PANEL = (2.1, 2.15)  # inches

FloatArray = NDArray[np.float64]


def numbers(subjects: Sequence[Subject]) -> dict[str, Any]:
    """A panel for each run and layer: the mean over users and heads, and its approximation."""
    panels = []
    for subject in subjects:
        for layer, blocks, users in _averaged(subject):
            whole = blocks.mean(0)
            near = low_rank(whole, RANK)
            error = np.linalg.norm(whole - near) / np.linalg.norm(whole)
            panels.append(
                {
                    **subject.described,
                    "averaged_users": users,
                    "layer": layer,
                    "attention": nested(whole),
                    "approximation": nested(near),
                    "relative_error": rounded(float(error)),
                }
            )
    return {"figure": "attention", "rank": RANK, "panels": panels}


def head_numbers(subjects: Sequence[Subject]) -> dict[str, Any]:
    """A row for each run and layer, a panel for each of its heads."""
    rows = [
        {
            **subject.described,
            "averaged_users": users,
            "layer": layer,
            "heads": [nested(head) for head in blocks],
        }
        for subject in subjects
        for layer, blocks, users in _averaged(subject)
    ]
    return {"figure": "attention_heads", "rows": rows}


def draw(data: dict[str, Any]) -> Any:
    """Two rows: attention, approximation; each column has one colour scale."""
    panels = data["panels"]
    figure, grid = new_figure(2, len(panels), _PANEL)
    for column, one in enumerate(panels):
        top = max(map(max, one["attention"]))
        title = f"{one['run']}\nlayer {one['layer']}"
        heat(grid[0, column], one["attention"], title, 0.0, top)
        image = heat(grid[1, column], one["approximation"], f"rank {data['rank']}", 0.0, top)
        colour_bar(figure, image, grid[:, column], location="bottom", shrink=0.9)
        grid[1, column].set_xlabel("key slot", fontsize="x-small")
    for row in grid:
        row[0].set_ylabel("query slot", fontsize="x-small")
    return figure


def draw_heads(data: dict[str, Any]) -> Any:
    """One panel a head, each on a colour scale of its own."""
    rows = data["rows"]
    figure, grid = new_figure(len(rows), max(len(row["heads"]) for row in rows), _PANEL)
    for place, row in enumerate(rows):
        for panel in grid[place]:
            panel.axis("off")
        for head, matrix in enumerate(row["heads"]):
            grid[place, head].axis("on")
            top = max(map(max, matrix))
            title = f"{row['run']}, layer {row['layer']}\nhead {head + 1}, up to {top:.2g}"
            heat(grid[place, head], matrix, title, 0.0, top)
    return figure


def lines(data: dict[str, Any]) -> list[str]:
    """How much of each mean matrix its approximation misses."""
    from tabulate import tabulate

    rows = [
        [one["run"], one["layer"], one["averaged_users"], one["relative_error"]]
        for one in data["panels"]
    ]
    headers = ("run", "layer", "users averaged", f"error of rank {data['rank']}")
    return ["mean attention", *tabulate(rows, headers, floatfmt=".4f").splitlines()]


def no_lines(data: dict[str, Any]) -> list[str]:
    """A picture without a table."""
    return []


def _averaged(subject: Subject) -> list[tuple[int, FloatArray, int]]:
    """(layer, mean blocks [s, n, n], users averaged) of each layer."""
    size = next(iter(subject.blocks.layers.values())).blocks.shape[-1]
    full = subject.blocks.lengths >= size
    chosen = full if full.any() else np.ones_like(full)
    return [
        (number, layer.blocks[chosen].mean(0), int(chosen.sum()))
        for number, layer in subject.blocks.layers.items()
    ]
