"""Mean attention of the newest slots as heat maps, above their rank-5 approximations.

('AE or AR attention', its first figure: AE, local AE and AR side by side.) Averaged are users whose
block is full, so that padding dims nothing; all users where nobody's is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_ext.analysis.figures import colour_bar, heat, new_figure, unseen
from recbole_ext.analysis.rank import low_rank
from recbole_ext.analysis.subject import Subject, nested, rounded

RANK = 5
_COLUMNS = 4
_PANEL = (2.3, 2.4)  # inches

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
    """A line for each run: attention and approximation of each layer, side by side.

    Rows are divided by the attention's maximum: a causal first row is 1 whatever was learned, and
    all else would be dark beside it.
    """
    lines = _by_run(data["panels"])
    figure, grid = new_figure(len(lines), 2 * max(map(len, lines)), _PANEL)
    for row, line in zip(grid, lines, strict=True):
        for cell in row[2 * len(line) :]:
            cell.axis("off")
        for place, one in enumerate(line):
            whole, near = row[2 * place : 2 * place + 2]
            top = _row_maxima(one["attention"])
            title = f"{one['run']}, layer {one['layer']}"
            image = _map(whole, np.asarray(one["attention"]) / top, title)
            _map(near, np.asarray(one["approximation"]) / top, f"its rank {data['rank']}", whole)
    _finish(figure, grid, image)
    return figure


def draw_heads(data: dict[str, Any]) -> Any:
    """The heads of a run, layer after layer, in lines of at most :data:`_COLUMNS` panels."""
    heads = [
        {**row, "head": head, "matrix": matrix}
        for row in data["rows"]
        for head, matrix in enumerate(row["heads"], start=1)
    ]
    runs = _by_run(heads)
    columns = min(_COLUMNS, max(map(len, runs)))
    lines = [run[at : at + columns] for run in runs for at in range(0, len(run), columns)]
    figure, grid = new_figure(len(lines), columns, _PANEL)
    for row, line in zip(grid, lines, strict=True):
        for cell in row[len(line) :]:
            cell.axis("off")
        for cell, one in zip(row, line, strict=False):
            title = f"{one['run']}\nlayer {one['layer']}, head {one['head']}"
            image = _map(cell, np.asarray(one["matrix"]) / _row_maxima(one["matrix"]), title)
    _finish(figure, grid, image)
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


def _by_run(panels: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Panels of one run together, in the order given."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for one in panels:
        runs.setdefault(one["run"], []).append(one)
    return list(runs.values())


def _row_maxima(matrix: Sequence[Sequence[float]]) -> FloatArray:
    """[n, n] -> [n, 1]; 1 for the empty rows of padding. A token mixer's rows have signs."""
    top = np.abs(np.asarray(matrix, dtype=np.float64)).max(1, keepdims=True)
    return np.where(top > 0, top, 1.0)


def _map(panel: Any, shares: FloatArray, title: str, beside: Any = None) -> Any:
    """A panel from 0 to 1; grey is what no query sees, or what is grey in the panel ``beside``."""
    hidden = unseen(shares) if beside is None else beside.images[0].get_array().mask
    image = heat(panel, shares, title, 0.0, 1.0, hidden)
    panel.set_xlabel("key slot", fontsize="x-small")
    return image


def _finish(figure: Any, grid: Any, image: Any) -> None:
    """Names of the rows, and the one colour bar."""
    for row in grid:
        row[0].set_ylabel("query slot", fontsize="x-small")
    label = "share of the attention's row maximum"
    colour_bar(figure, image, grid, shrink=min(1.0, 2.5 / len(grid)), label=label)
