"""A figure three times: PNG, SVG, and its numbers as JSON, each written whole or not at all."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from recbole_ext.errors import ConfigError

COLOUR_MAP = "viridis"
DPI = 150
MARKERS = "osD^vP*X"
NULL_LINES = {"bidirectional": "--", "causal": ":"}


def require_matplotlib() -> None:
    """Raises ConfigError where matplotlib is not installed."""
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise ConfigError(
            'a figure needs the package matplotlib: pip install "recbole_ext[figures]"'
        ) from error


def new_figure(rows: int, columns: int, panel: tuple[float, float]) -> tuple[Any, Any]:
    """A figure and its panels [rows, columns]; ``panel``: width and height of one, in inches."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (panel[0] * columns, panel[1] * rows)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)  # never a window
    return figure, figure.subplots(rows, columns, squeeze=False)


def series(place: int) -> dict[str, Any]:
    """Colour and marker of a figure's series: both repeat together after 40.

    Early ones have larger markers: what a later curve covers still shows around it.
    """
    size = max(8.0 - 0.8 * place, 3.5)
    return {
        "color": f"C{place % 10}",
        "marker": MARKERS[place % len(MARKERS)],
        "markersize": size,
        "linewidth": max(2.4 - 0.25 * place, 1.0),
    }


def draw_nulls(panel: Any, places: Sequence[float], runs: Sequence[Mapping[str, Any]]) -> None:
    """What uniform attention over each run's own histories gives, on top of the runs' curves.

    Args:
        runs: each with ``run``, its name, and ``uniform``: null -> its curve over ``places``.
    """
    for null, line in NULL_LINES.items():
        groups = _alike({run["run"]: run["uniform"][null] for run in runs})
        for place, (names, values) in enumerate(groups):
            rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
            of = "" if len(groups) == 1 else f"\nof {', '.join(names[:2])}{rest}"
            look = {"color": "black" if place == 0 else f"{min(0.2 + 0.2 * place, 0.7):g}"}
            label = f"uniform {null}, own lengths{of}"
            panel.plot(places, values, line, label=label, linewidth=1.4, zorder=10, **look)


def legend_below(figure: Any, panels: Sequence[Any], columns: int) -> None:
    """One legend under the panels, each label once."""
    entries: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    place = {"loc": "outside lower center", "ncols": columns, "fontsize": "small"}
    figure.legend(list(entries.values()), list(entries), **place)


def _alike(
    curves: Mapping[str, Sequence[float]], within: float = 0.01
) -> list[tuple[list[str], Sequence[float]]]:
    """Names whose curves differ by less than that share of the first one's height: one line."""
    groups: list[tuple[list[str], Sequence[float]]] = []
    for name, curve in curves.items():
        for names, other in groups:
            gap = max(abs(x - y) for x, y in zip(curve, other, strict=True))
            if gap <= within * max(map(abs, other)):
                names.append(name)
                break
        else:
            groups.append(([name], curve))
    return groups


def heat(
    panel: Any,
    matrix: Any,
    title: str,
    low: float,
    high: float,
    hidden: Any = None,
) -> Any:
    """One matrix as colours: row i, from above, is query i; what is below ``low`` looks like it.

    ``hidden``: cells [n, n] without a value, light grey.
    """
    import numpy as np

    shown = matrix if hidden is None else np.ma.masked_where(hidden, matrix)
    image = panel.imshow(shown, cmap=COLOUR_MAP, vmin=low, vmax=high, interpolation="nearest")
    panel.set_facecolor("lightgrey")
    panel.set_title(title, fontsize="small")
    panel.tick_params(labelsize="x-small")
    whole_numbers(panel.xaxis, 5)
    whole_numbers(panel.yaxis, 5)
    return image


def unseen(matrix: Any) -> Any:
    """[n, n] -> which cells no query may see: the future, if causal, and padding's slots."""
    import numpy as np

    cells = np.asarray(matrix)
    nothing = ~cells.any(1, keepdims=True) | ~cells.any(0, keepdims=True)
    future = np.triu(np.ones(cells.shape, dtype=bool), 1)
    return nothing | (future & (not cells[future].any()))


def colour_bar(figure: Any, image: Any, panels: Any, **place: Any) -> None:
    """With few and small numbers: bars are narrow."""
    from matplotlib.ticker import MaxNLocator

    bar = figure.colorbar(image, ax=panels, ticks=MaxNLocator(4), **place)
    bar.ax.tick_params(labelsize="x-small")


def whole_numbers(axis: Any, most: int | Literal["auto"] = "auto") -> None:
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=True))


def save(figure: Any, data: Mapping[str, Any], folder: Path, name: str) -> Path:
    """Write ``name.png``, ``name.svg`` and ``name.json``; returns the first of them.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    from recbole_ext.files import Folder

    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = Folder(folder)
        for ending in ("png", "svg"):
            with target.replacing(f"{name}.{ending}") as beside:
                _write(figure, beside, ending, name)
        target.write_text(f"{name}.json", json.dumps(data, allow_nan=False) + "\n")
    except OSError as error:
        raise ConfigError(f"--out: {folder} cannot be written ({error.strerror})") from error
    return folder / f"{name}.png"


def _write(figure: Any, file: Path, ending: str, name: str) -> None:
    """The same bytes for the same figure: no date, no random ids."""
    from matplotlib import rc_context

    metadata = {"Date": None} if ending == "svg" else {}
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(file, format=ending, dpi=DPI, metadata=metadata)
