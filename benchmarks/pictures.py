"""The README's pictures from committed results: ``python -m benchmarks.pictures``.

``efficiency``: seconds an epoch of every peer of ``training_speed.json``. ``quality_time``: NDCG@10
of the test against training time, of every job, ``<experiment>/<job>/<seed>/metrics.json``. As PNG
and SVG with its numbers as JSON, in ``results/figures``. Nothing is trained.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from benchmarks.picture_numbers import (
    METRIC,
    PROTOCOLS,
    TITLES,
    Data,
    efficiency_numbers,
    front,
    quality_numbers,
)
from benchmarks.tables import number
from recbole_ext.analysis.figures import new_figure, save
from recbole_ext.errors import UserError

# Colours that those who see red and green alike tell apart (Okabe and Ito).
_LIBRARIES = {"RecBole": "#8c8c8c", "RecTools": "#E69F00", "recbole_ext": "#0072B2"}
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_BARS, _SCATTER = (7.2, 2.35), (5.0, 4.0)  # inches a panel


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 where there is nothing to draw from."""
    args = _parse(argv)
    try:
        for name, data, draw in (
            (
                "efficiency",
                efficiency_numbers(args.results / "training_speed.json"),
                draw_efficiency,
            ),
            ("quality_time", quality_numbers(args.results, args.protocol), draw_quality),
        ):
            print(save(draw(data), data, args.out or args.results / "figures", name))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def draw_efficiency(data: Data) -> Any:
    """A panel a data set, a dot a peer, in one order and on one logarithmic scale."""
    figure, panels = new_figure(len(data["datasets"]), 1, _BARS)
    longest = max(p["seconds_per_epoch"] for e in data["datasets"] for p in e["peers"])
    order = [peer["peer"] for peer in data["datasets"][0]["peers"]]
    for panel, entry in zip(panels[:, 0], data["datasets"], strict=True):
        _dots(panel, sorted(entry["peers"], key=lambda peer: order.index(peer["peer"])))
        panel.set(xscale="log", xlim=(1, 150 * longest), xticks=_powers(longest))
        panel.minorticks_off()
        panel.xaxis.set_major_formatter("{x:,g}")
        panel.set_title(f"{_title(entry['dataset'])}, L = {entry['max_length']}", loc="left")
        _quiet(panel, "x")
    panels[-1, 0].set_xlabel("seconds an epoch (training alone, log scale)", loc="left")
    figure.suptitle(
        f"Seconds an epoch: d = 64, 2 layers, CE over all items, {data['machine']}\n"
        f"×: times as fast as {data['base']}, and (in brackets) per trained target\n"
        "≈: extrapolated from some batches",
        fontsize="medium",
    )
    return figure


def _dots(panel: Any, peers: Sequence[Mapping[str, Any]]) -> None:
    """No bars: their length means nothing on a logarithmic scale."""
    places, seconds = range(len(peers)), [peer["seconds_per_epoch"] for peer in peers]
    panel.scatter(seconds, places, color=[_colour(peer["peer"]) for peer in peers], s=48, zorder=2)
    panel.hlines(places, 1, seconds, color="0.85", linewidth=1, zorder=1)
    titles = [peer["peer"].removeprefix("recbole_ext ") for peer in peers]
    panel.set_yticks(places, titles, fontsize="small")
    panel.invert_yaxis()
    for place, peer in zip(places, peers, strict=True):
        end = 1.4 * peer["seconds_per_epoch"]
        panel.text(end, place, _bar_label(peer), va="center", fontsize="small")


def _bar_label(peer: Mapping[str, Any]) -> str:
    """An epoch of a peer may train fewer targets: both ratios where they differ."""
    near = "≈ " if peer["extrapolated"] else ""
    epoch, target = number(peer["times"]), number(peer["times_a_target"])
    beside = "" if epoch == target else f"  ({target}×)"
    return f"{near}{number(peer['seconds_per_epoch'])} s   {epoch}×{beside}"


def _powers(longest: float) -> list[int]:
    return [10**power for power in range(len(str(int(longest))))]


def _colour(peer: str) -> str:
    return _LIBRARIES[peer.split()[0]]


def draw_quality(data: Data) -> Any:
    """A panel a data set, a point a run; a line joins those that nothing beats in both."""
    figure, (panels,) = new_figure(1, len(data["datasets"]), _SCATTER)
    models = sorted({run["model"] for entry in data["datasets"] for run in entry["runs"]})
    colours = {model: _PALETTE[i % len(_PALETTE)] for i, model in enumerate(models)}
    for panel, entry in zip(panels, data["datasets"], strict=True):
        _scatter(panel, entry["runs"], colours)
        panel.set_title(_title(entry["dataset"]), loc="left")
        panel.set_xlabel("seconds of training until it stopped (log scale)")
    panels[0].set_ylabel(f"test {METRIC}")
    handles = [_mark(colour, model) for model, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(models), frameon=False)
    figure.suptitle(
        f"Test {METRIC} (seen items {data['protocol']}) against training time on 2 cores\n"
        "leave-one-out, all items ranked, mean over the seeds run; "
        "dotted: nothing is both faster and better",
        fontsize="medium",
    )
    for panel, entry in zip(panels, data["datasets"], strict=True):
        _name(figure, panel, entry["runs"])
    return figure


def _scatter(panel: Any, runs: Sequence[Data], colours: Mapping[str, str]) -> None:
    best = front(runs)
    panel.plot([r["seconds"] for r in best], [r[METRIC] for r in best], ":", color="grey", zorder=1)
    for run in runs:
        panel.scatter(run["seconds"], run[METRIC], s=42, color=colours[run["model"]], zorder=2)
    from matplotlib.ticker import LogLocator, NullLocator

    panel.set_xscale("log")
    panel.margins(x=0.2, y=0.12)
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter("{x:,g}")
    panel.tick_params(labelsize="small")
    _quiet(panel, "both")


def _name(figure: Any, panel: Any, runs: Sequence[Data]) -> None:
    """Write the runs' names where there is room, the front's first, further off with a line."""
    from matplotlib.text import Text

    figure.canvas.draw()
    ordered = front(runs)
    taken = [_box_around(panel, run) for run in runs] + _boxes_along(panel, ordered)
    ordered += sorted((run for run in runs if run not in ordered), key=lambda run: -run[METRIC])
    for run in ordered:
        for label in _tries(panel, run):
            label.get_window_extent()  # puts it in its place
            box = Text.get_window_extent(label).padded(1)  # without its line
            inside = panel.bbox.contains(box.x0, box.y0) and panel.bbox.contains(box.x1, box.y1)
            free = not any(box.overlaps(other) for other in taken)
            plain = label.arrow_patch is not None or _nearest(panel, box, runs) is run
            if inside and free and plain:
                taken.append(box)
                break
            label.remove()


_SIDES = (  # of the point, and how the name is aligned there; above the front nothing lies
    (-0.7, 0.6, "right", "bottom"), (1, 0, "left", "center"), (-1, 0, "right", "center"),
    (0, 1, "center", "bottom"), (0, -1, "center", "top"), (0.7, 0.7, "left", "bottom"),
    (0.7, -0.7, "left", "top"), (-0.7, -0.7, "right", "top"),
)  # fmt: skip
_REACH = (7, 16, 28, 42, 60)  # points; beyond the first a line leads to the name


def _tries(panel: Any, run: Data) -> Iterator[Any]:
    """The name in one place after the other, the near ones first."""
    for reach, (x, y, side, height) in product(_REACH, _SIDES):
        line = {"arrowstyle": "-", "color": "grey", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4}
        yield panel.annotate(
            run["run"], (run["seconds"], run[METRIC]), (reach * x, reach * y),
            textcoords="offset points", ha=side, va=height, fontsize="small",
            arrowprops=None if reach == _REACH[0] else line,
        )  # fmt: skip


def _box_around(panel: Any, run: Data) -> Any:
    from matplotlib.transforms import Bbox

    x, y = panel.transData.transform((run["seconds"], run[METRIC]))
    return Bbox.from_extents(x - 5, y - 5, x + 5, y + 5)


def _nearest(panel: Any, box: Any, runs: Sequence[Data]) -> Data:
    """Whose the label in ``box`` seems to be."""

    def distance(run: Data) -> float:
        x, y = panel.transData.transform((run["seconds"], run[METRIC]))
        beside = max(box.x0 - x, x - box.x1, 0), max(box.y0 - y, y - box.y1, 0)
        return float(beside[0] ** 2 + beside[1] ** 2)

    return min(runs, key=distance)


def _boxes_along(panel: Any, runs: Sequence[Data]) -> list[Any]:
    """Small boxes that cover the line through the runs."""
    import numpy as np
    from matplotlib.transforms import Bbox

    corners = panel.transData.transform([(run["seconds"], run[METRIC]) for run in runs])
    steps = np.linspace(0, 1, 60)[:, None]
    points = [a + steps * (b - a) for a, b in pairwise(corners)]
    return [Bbox.from_extents(x - 1, y - 1, x + 1, y + 1) for part in points for x, y in part]


def _mark(colour: str, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, marker="o", linestyle="", label=label)


def _quiet(panel: Any, grid: str) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis=grid, alpha=0.3)
    panel.set_axisbelow(True)


def _title(dataset: str) -> str:
    return TITLES.get(dataset, dataset)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--results", type=Path, default=Path("results"), help="default: %(default)s")
    add("--out", type=Path, help="default: <results>/figures")
    add("--protocol", choices=PROTOCOLS, default="kept", help="items seen; default: %(default)s")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
