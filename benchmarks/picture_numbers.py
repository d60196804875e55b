"""What the README's pictures show, read from committed results."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from recbole_ext.errors import DataError

TITLES = {
    "ml-1m": "ML-1M", "beauty-5core": "Beauty 5-core", "sports-5core": "Sports 5-core",
    "beauty-sasrec": "Beauty, 52,204 users",
}  # fmt: skip
PROTOCOLS = {"kept": "test", "masked": "test_seen_masked"}
METRIC = "NDCG@10"
FEWEST = 3  # runs that make a panel

Data = dict[str, Any]


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


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read ({error})") from error
