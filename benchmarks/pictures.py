"""The README's pictures from committed results: ``python -m benchmarks.pictures``.

``efficiency``: seconds an epoch of every peer of ``training_speed.json``. ``quality_time``: NDCG@10
of the test against training time, of every job, ``<experiment>/<job>/<seed>/metrics.json``. As PNG
and SVG with its numbers as JSON, in ``results/figures``. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.tables import number
from recbole_ext.analysis.figures import new_figure, save
from recbole_ext.errors import DataError, UserError

TITLES = {
    "ml-1m": "ML-1M", "beauty-5core": "Beauty 5-core", "sports-5core": "Sports 5-core",
    "beauty-sasrec": "Beauty, 52,204 users",
}  # fmt: skip
PROTOCOLS = {"kept": "test", "masked": "test_seen_masked"}
METRIC = "NDCG@10"
FEWEST = 3  # runs that make a panel

Data = dict[str, Any]

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


def efficiency_numbers(file: Path) -> Data:
    """Of each data set its peers, the slowest first, and how many times as fast as the base.

    Raises:
        DataError: the file is missing or not as the benchmark left it.
    """
    speed = _read_json(file)
    try:
        machine = speed["machine"]
        return {
            "figure": "efficiency",
            "base": speed["base"],
            "machine": f"{machine['cpu']}, {machine['threads']} threads",
            "datasets": [_efficiency(entry) for entry in sorted(speed["datasets"], key=_place)],
        }
    except (LookupError, TypeError) as error:
        raise DataError(f"{file}: not as the benchmark left it ({error!r})") from error


def _place(entry: Mapping[str, Any]) -> int:
    """Data sets stand as in TITLES, others behind."""
    return [*TITLES, entry["dataset"]].index(entry["dataset"])


def _efficiency(entry: Mapping[str, Any]) -> Data:
    peers = [
        {
            "peer": peer["title"],
            "seconds_per_epoch": peer["seconds_per_epoch"],
            "times": peer["ratios"]["epoch"],
            "times_a_target": peer["ratios"]["target"],
            "extrapolated": peer["measured"].startswith("extrapolated"),
        }
        for peer in entry["peers"]
        if "error" not in peer
    ]
    peers.sort(key=lambda peer: -peer["seconds_per_epoch"])
    return {"dataset": entry["dataset"], "max_length": entry["max_length"], "peers": peers}


def draw_efficiency(data: Data) -> Any:
    """A panel a data set, a bar a peer, all on one logarithmic scale."""
    figure, panels = new_figure(len(data["datasets"]), 1, _BARS)
    longest = max(p["seconds_per_epoch"] for e in data["datasets"] for p in e["peers"])
    for panel, entry in zip(panels[:, 0], data["datasets"], strict=True):
        _bars(panel, entry["peers"])
        panel.set(xscale="log", xlim=(1, 150 * longest), xticks=_powers(longest))
        panel.minorticks_off()
        panel.xaxis.set_major_formatter("{x:,g}")
        panel.set_title(f"{_title(entry['dataset'])}, L = {entry['max_length']}", loc="left")
        _quiet(panel, "x")
    panels[-1, 0].set_xlabel("seconds an epoch (training alone, log scale)", loc="left")
    figure.suptitle(
        f"Seconds an epoch: d = 64, 2 layers, CE over all items, {data['machine']}\n"
        f"×: times as fast as {data['base']}; ≈: extrapolated from some batches",
        fontsize="medium",
    )
    return figure


def _bars(panel: Any, peers: Sequence[Mapping[str, Any]]) -> None:
    places, seconds = range(len(peers)), [peer["seconds_per_epoch"] for peer in peers]
    panel.barh(places, seconds, color=[_colour(peer["peer"]) for peer in peers], height=0.72)
    titles = [peer["peer"].removeprefix("recbole_ext ") for peer in peers]
    panel.set_yticks(places, titles, fontsize="small")
    panel.invert_yaxis()
    for place, peer in zip(places, peers, strict=True):
        end = 1.15 * peer["seconds_per_epoch"]
        panel.text(end, place, _bar_label(peer), va="center", fontsize="small")


def _bar_label(peer: Mapping[str, Any]) -> str:
    """An epoch of a peer may train fewer targets: both ratios where they differ."""
    near = "≈ " if peer["extrapolated"] else ""
    epoch, target = number(peer["times"]), number(peer["times_a_target"])
    beside = "" if epoch == target else f"  ({target}× a target)"
    return f"{near}{number(peer['seconds_per_epoch'])} s   {epoch}×{beside}"


def _powers(longest: float) -> list[int]:
    return [10**power for power in range(len(str(int(longest))))]


def _colour(peer: str) -> str:
    return _LIBRARIES[peer.split()[0]]


def quality_numbers(results: Path, protocol: str = "kept") -> Data:
    """Of each data set its jobs: what they reached, and after how many seconds they stopped.

    Over the seeds of a job: the mean of the metric, and the seconds of the quickest, epochs × the
    median epoch, evaluation excluded. Seconds compare on one machine that does nothing else:
    ``<results>/elsewhere.txt`` names the jobs that none such has run, which are left out, and the
    seeds (``<experiment>/<job>/<seed>``) whose seconds do not count.

    Raises:
        DataError: no results, or a file that no run has left so.
    """
    by_dataset: dict[tuple[str, str], list[Data]] = defaultdict(list)
    left_out = _elsewhere(results / "elsewhere.txt")
    for folder in sorted({file.parents[1] for file in results.glob("*/*/*/metrics.json")}):
        if timed := _timed_seeds(folder, left_out):
            data, point = _job_numbers(folder, PROTOCOLS[protocol], timed)
            by_dataset[data].append(point)
    datasets: list[Data] = [
        {"dataset": name, "sha256": digest, "runs": runs}
        for (name, digest), runs in by_dataset.items()
        if len(runs) >= FEWEST
    ]
    datasets.sort(key=_place)
    if not datasets:
        raise DataError(f"{results}: no data set has results of {FEWEST} jobs")
    return {"figure": "quality_time", "protocol": protocol, "datasets": datasets}


def _elsewhere(file: Path) -> set[str]:
    """The jobs and seeds named in it; a line after # is a comment."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def _timed_seeds(folder: Path, left_out: set[str]) -> set[str]:
    """The folders of a job's seeds whose seconds count."""
    job = f"{folder.parent.name}/{folder.name}"
    seeds = {file.parent.name for file in folder.glob("*/metrics.json")}
    return set() if job in left_out else {s for s in seeds if f"{job}/{s}" not in left_out}


def _job_numbers(folder: Path, part: str, timed: set[str]) -> tuple[tuple[str, str], Data]:
    """(data set and its digest), the point of the job whose seeds lie in ``folder``."""
    files = sorted(folder.glob("*/metrics.json"))
    try:
        seeds = [_read_json(file) for file in files]
        first = seeds[0]
        clocked = [s for file, s in zip(files, seeds, strict=True) if file.parent.name in timed]
        point = {
            "run": _called(folder.name, first),
            "experiment": folder.parent.name,
            "model": first["model"],
            "seeds": len(seeds),
            "seconds": min(seed["epochs"] * seed["seconds_per_epoch"] for seed in clocked),
            METRIC: fmean(seed[part][METRIC] for seed in seeds),
        }
        return (first["dataset"], first["data"]["sha256"]), point
    except (LookupError, TypeError) as error:
        raise DataError(f"{folder}: not as runs left it ({error!r})") from error


def _called(job: str, metrics: Mapping[str, Any]) -> str:
    """The job without its data set, with its model: ``VanillaAR absolute``."""
    name = job.removeprefix(f"{metrics['dataset']}_").replace("_", " ")
    return name if name.startswith(metrics["model"]) else f"{metrics['model']} {name}"


def front(runs: Sequence[Data]) -> list[Data]:
    """The runs than which none is both faster and better, the fastest first."""
    best: list[Data] = []
    for run in sorted(runs, key=lambda one: (one["seconds"], -one[METRIC])):
        if not best or run[METRIC] > best[-1][METRIC]:
            best.append(run)
    return best


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
    """Write the runs' names where there is room, the front's first; colours tell the rest."""
    figure.canvas.draw()
    ordered = front(runs)
    taken = [_box_around(panel, run) for run in runs] + _boxes_along(panel, ordered)
    ordered += sorted((run for run in runs if run not in ordered), key=lambda run: -run[METRIC])
    for run in ordered:
        for label in _tries(panel, run):
            box = label.get_window_extent().padded(1)
            inside = panel.bbox.contains(box.x0, box.y0) and panel.bbox.contains(box.x1, box.y1)
            free = not any(box.overlaps(other) for other in taken)
            if inside and free and _nearest(panel, box, runs) is run:
                taken.append(box)
                break
            label.remove()


def _tries(panel: Any, run: Data) -> Iterator[Any]:
    """The name beside the point, in one place after the other: above the front nothing lies."""
    for x, y, side, height in (
        (-5, 4, "right", "bottom"), (7, 0, "left", "center"), (-7, 0, "right", "center"),
        (0, 6, "center", "bottom"), (0, -6, "center", "top"), (5, 5, "left", "bottom"),
        (5, -5, "left", "top"), (-5, -5, "right", "top"), (14, 9, "left", "bottom"),
        (14, -9, "left", "top"), (-14, 9, "right", "bottom"), (-14, -9, "right", "top"),
    ):  # fmt: skip
        yield panel.annotate(
            run["run"], (run["seconds"], run[METRIC]), (x, y), textcoords="offset points",
            ha=side, va=height, fontsize="small",
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


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read ({error})") from error


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
