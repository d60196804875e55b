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


def heat(panel: Any, matrix: Sequence[Sequence[float]], title: str, low: float, high: float) -> Any:
    """One matrix as colours: row i, from above, is query i; what is below ``low`` looks like it."""
    image = panel.imshow(matrix, cmap=COLOUR_MAP, vmin=low, vmax=high, interpolation="nearest")
    panel.set_title(title, fontsize="small")
    panel.tick_params(labelsize="x-small")
    whole_numbers(panel.xaxis, 5)
    whole_numbers(panel.yaxis, 5)
    return image


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
