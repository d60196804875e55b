"""What is there of an experiment: the finished runs of each job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from recbole_ext.analysis.labels import tested_on, variant_names
from recbole_ext.errors import DataError
from recbole_ext.evaluation.metrics import canonical, protocol_of
from recbole_ext.experiment.curves import Curve, logged_metric, read_curve
from recbole_ext.experiment.jobs import Experiment, Job
from recbole_ext.training.metrics_file import read_metrics
from recbole_ext.training.run_folder import METRICS_FILE, RANKS_FILE

KEPT, MASKED = "seen kept", "seen masked"
PROTOCOLS = (KEPT, MASKED)
PARTS = {
    ("valid", KEPT): "valid",
    ("valid", MASKED): "valid_seen_masked",
    ("test", KEPT): "test",
    ("test", MASKED): "test_seen_masked",
}
VALID_METRIC = "NDCG@10"  # of a job that says nothing else


@dataclass(frozen=True)
class Finished:
    """One finished run.

    Attributes:
        metrics: the contents of ``metrics.json``.
        ranks: where the ranks of its users lie.
        run_dir: its run folder; None where that is not here or is another run's.
        valid_metric: as its log names it; None where that names none.
    """

    seed: int
    metrics: dict[str, Any]
    curve: Curve
    ranks: Path | None
    run_dir: Path | None
    valid_metric: str | None = None

    @property
    def best_epoch(self) -> int | None:
        """By validation, counted from 0; None of a run without one."""
        best: int = self.metrics["best_epoch"]
        return best if best >= 0 else None

    @property
    def tested_epoch(self) -> int:
        """The best one, or the last where none was validated."""
        last: int = self.metrics["epochs"] - 1
        return last if self.best_epoch is None else self.best_epoch

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
    """A job with its finished runs, one or more, by seed; all of them saw the same data."""

    job: Job
    runs: tuple[Finished, ...]

    @property
    def data(self) -> str:
        """Digest of the data set."""
        return str(self.runs[0].metrics["data"]["sha256"])

    @property
    def candidates(self) -> int | None:
        """Items that were ranked; a model that loads descriptions may rank untaken ones too."""
        return self.runs[0].metrics["data"].get("items")  # type: ignore[no-any-return]

    @property
    def tested(self) -> str:
        """What was to be named: the data set, and how its targets differ from last items."""
        return tested_on(self.job.dataset, self.job.keys)

    @property
    def valid_metric(self) -> str:
        """What chose the epochs: ``NDCG@10``, ``NDCG@10_seen_masked``."""
        logged = (run.valid_metric for run in self.runs if run.valid_metric)
        return next(logged, canonical(str(self.job.keys.get("valid_metric", VALID_METRIC))))

    def validation(self) -> Statistic | None:
        """Of the best epochs by :attr:`valid_metric` over seeds; None where a run lacks it."""
        protocol = protocol_of(self.valid_metric)
        return self._over_seeds(f"valid{protocol}", self.valid_metric.removesuffix(protocol))

    def metric(self, metric: str, protocol: str, part: str = "test") -> Statistic | None:
        """A metric over seeds; None where a run has not computed it."""
        return self._over_seeds(PARTS[part, protocol], metric)

    def _over_seeds(self, key: str, metric: str) -> Statistic | None:
        values = [run.metrics.get(key, {}).get(metric) for run in self.runs]
        return None if None in values else Statistic(tuple(values))

    def number(self, key: str) -> Statistic:
        """A figure of ``metrics.json`` over seeds."""
        return Statistic(tuple(float(run.metrics[key]) for run in self.runs))

    def time_to_best(self) -> Statistic:
        """Training seconds up to the end of the epoch that was tested."""
        return Statistic(tuple(run.seconds_after(run.tested_epoch) for run in self.runs))


def comparable(jobs: Iterable[Gathered]) -> dict[str, list[Gathered]]:
    """Jobs in groups whose figures may be ranked: of one variant of the data, with one target
    among as many items.
    """
    jobs = list(jobs)
    names = variant_names((one.tested, one.data) for one in jobs)
    numbers: dict[str, set[int | None]] = {}
    for one in jobs:
        numbers.setdefault(names[one.tested, one.data], set()).add(one.candidates)
    found: dict[str, list[Gathered]] = {}
    for one in jobs:
        name = names[one.tested, one.data]
        several = len(numbers[name]) > 1
        found.setdefault(f"{name}, {one.candidates} items" if several else name, []).append(one)
    return found


def gather(experiment: Experiment, out: Path, runs: Path) -> dict[str, Gathered]:
    """The jobs of which something has finished, by name.

    Args:
        out: results as :mod:`recbole_ext.experiment.one_job` keeps them.
        runs: run folders; ranks that are not among the results are looked for there, if the folder
            is of the very run whose metrics are kept.

    Raises:
        DataError: a file that no run has left so; seeds of a job that saw different data.
    """
    found = {}
    for job in experiment.jobs():
        folders = [file.parent for file in (out / job.name).glob(f"*/{METRICS_FILE}")]
        seeds = sorted(int(folder.name) for folder in folders if folder.name.isdecimal())
        if seeds:
            places = ((job.folder(out, seed), job.folder(runs, seed)) for seed in seeds)
            finished = tuple(_finished(folder, run_dir) for folder, run_dir in places)
            _same_data(finished, out / job.name)
            found[job.name] = Gathered(job, finished)
    return found


def _same_data(runs: Iterable[Finished], folder: Path) -> None:
    """Raises DataError where a mean over seeds would be one over variants of the data."""
    seeds: dict[str, int] = {}
    for run in runs:
        seeds.setdefault(run.metrics["data"]["sha256"], run.seed)
    if len(seeds) > 1:
        (one, seed), (other, another) = list(seeds.items())[:2]
        raise DataError(
            f"{folder}: seed {seed} was run on other data than seed {another} ({one[:8]}, "
            f"{other[:8]}); remove the folder of one"
        )


def _finished(folder: Path, run_dir: Path) -> Finished:
    metrics = read_metrics(folder / METRICS_FILE)
    if metrics["seed"] != int(folder.name):
        raise DataError(f"{folder / METRICS_FILE}: of seed {metrics['seed']}, not of its folder's")
    places = [folder, run_dir] if same_run(folder, run_dir) else [folder]
    ranks = next((place / RANKS_FILE for place in places if (place / RANKS_FILE).is_file()), None)
    own = run_dir if run_dir in places else None
    logged = logged_metric(folder)
    return Finished(metrics["seed"], metrics, read_curve(folder), ranks, own, logged)


def same_run(folder: Path, run_dir: Path) -> bool:
    """Whether a run folder has left these results: others may have been made with another --out."""
    ended = run_dir / METRICS_FILE
    return ended.is_file() and ended.read_bytes() == (folder / METRICS_FILE).read_bytes()
