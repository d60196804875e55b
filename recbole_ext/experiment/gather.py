"""What is there of an experiment: the finished runs of each job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from recbole_ext.errors import DataError, show
from recbole_ext.experiment.curves import Curve, read_curve
from recbole_ext.experiment.jobs import Experiment, Job
from recbole_ext.experiment.one_job import METRICS, RANKS

KEPT, MASKED = "seen kept", "seen masked"
PROTOCOLS = (KEPT, MASKED)
PARTS = {
    ("valid", KEPT): "valid",
    ("valid", MASKED): "valid_seen_masked",
    ("test", KEPT): "test",
    ("test", MASKED): "test_seen_masked",
}
_NEEDED: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("best_epoch", "epochs", "parameters", "seed"), int),
    **dict.fromkeys(("data", *PARTS.values()), dict),
    "seconds_per_epoch": (int, float),
}


@dataclass(frozen=True)
class Finished:
    """One finished run: ``metrics.json``, its curve, and where the ranks of its users lie."""

    seed: int
    metrics: dict[str, Any]
    curve: Curve
    ranks: Path | None

    def seconds_after(self, epoch: int) -> float:
        """Training seconds up to the end of an epoch (counted from 0), evaluation excluded.

        By the median epoch, so that a machine that stood still or a resumed run does not count.
        """
        return float((epoch + 1) * self.metrics["seconds_per_epoch"])


@dataclass(frozen=True)
class Statistic:
    """One figure over seeds; ``sd`` is the sample's, None for a single seed."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def sd(self) -> float | None:
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Gathered:
    """A job with its finished runs, one or more, by seed."""

    job: Job
    runs: tuple[Finished, ...]

    def metric(self, metric: str, protocol: str, part: str = "test") -> Statistic | None:
        """A metric over seeds; None where a run has not computed it."""
        values = [run.metrics[PARTS[part, protocol]].get(metric) for run in self.runs]
        return None if None in values else Statistic(tuple(values))

    def number(self, key: str) -> Statistic:
        """A figure of ``metrics.json`` over seeds."""
        return Statistic(tuple(float(run.metrics[key]) for run in self.runs))

    def devices(self) -> list[str]:
        """What the runs were trained on; nothing of runs that have not noted it."""
        noted = (run.metrics.get("device") for run in self.runs)
        return sorted({str(device) for device in noted if device})

    def time_to_best(self) -> Statistic:
        """Training seconds up to the end of the best epoch."""
        return Statistic(tuple(r.seconds_after(r.metrics["best_epoch"]) for r in self.runs))


def gather(experiment: Experiment, out: Path, runs: Path) -> dict[str, Gathered]:
    """The jobs of which something has finished, by name.

    Args:
        out: results as :mod:`recbole_ext.experiment.one_job` keeps them.
        runs: run folders; ranks that are not among the results are looked for there.

    Raises:
        DataError: a file that no run has left so.
    """
    found = {}
    for job in experiment.jobs():
        folders = sorted(file.parent for file in (out / job.name).glob(f"*/{METRICS}"))
        if folders:
            finished = (_finished(folder, runs / job.name / folder.name) for folder in folders)
            by_seed = sorted(finished, key=lambda run: run.seed)
            found[job.name] = Gathered(job, tuple(by_seed))
    return found


def _finished(folder: Path, run_dir: Path) -> Finished:
    metrics = _read_metrics(folder / METRICS)
    ranks = next((place / RANKS for place in (folder, run_dir) if (place / RANKS).is_file()), None)
    return Finished(metrics["seed"], metrics, read_curve(folder), ranks)


def _read_metrics(file: Path) -> dict[str, Any]:
    try:
        metrics = json.loads(file.read_text(encoding="utf-8"))
        for key, kind in _NEEDED.items():
            if not isinstance(metrics[key], kind):
                raise TypeError(f"{key} is {show(metrics[key])}")
    except (ValueError, LookupError, TypeError, OSError, RecursionError) as error:
        raise DataError(f"{file}: not as a run left it ({error})") from error
    found: dict[str, Any] = metrics
    return found
