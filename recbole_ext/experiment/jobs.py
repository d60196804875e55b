"""Tables of jobs, and the runs that they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from recbole_ext.errors import ConfigError, nearest, show

Figures = tuple[float | None, float | None]
SHOWN = ("Hit@10", "NDCG@10")


@dataclass(frozen=True)
class Job:
    """A model on a data set with its keys.

    Attributes:
        paper: Hit@10 and NDCG@10 with seen items kept, as the file gives them.
        reported: which rows of ``reported.csv`` belong to it, by column.
    """

    name: str
    model: str
    dataset: str
    keys: dict[str, Any] = field(default_factory=dict)
    paper: Figures | None = None
    reported: dict[str, str] = field(default_factory=dict)

    def settings(self) -> tuple[str, str, dict[str, Any]]:
        """What makes it another run."""
        return self.model, self.dataset, self.keys

    def folder(self, base: Path, seed: int) -> Path:
        """``<base>/<name>/<seed>``."""
        return base / self.name / str(seed)


@dataclass(frozen=True)
class Table:
    """Jobs that are shown together.

    Attributes:
        baselines: the jobs that others of the data set meet.
        analyze: what is drawn of the finished runs, as ``recbole_ext analyze --what`` calls it.
        seeds: of its jobs; empty: the experiment's.
        metrics: those that are shown and tested.
    """

    key: str
    title: str
    jobs: tuple[Job, ...]
    baselines: tuple[Job, ...] = ()
    analyze: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    metrics: tuple[str, ...] = SHOWN

    def baseline_of(self, job: Job) -> Job | None:
        """What ``job`` is compared with; None for a baseline itself and where there is none."""
        for baseline in self.baselines:
            if baseline.dataset == job.dataset:
                return None if baseline.name == job.name else baseline
        return None


@dataclass(frozen=True)
class Experiment:
    """A checked experiment file. Jobs of one name have equal settings."""

    name: str
    title: str
    seeds: tuple[int, ...]
    tables: tuple[Table, ...]

    def jobs(self) -> list[Job]:
        """Every job once, in the order of the tables."""
        return list({job.name: job for table in self.tables for job in table.jobs}.values())

    def runs(
        self, jobs: Iterable[str] = (), tables: Iterable[str] = (), seeds: Iterable[int] = ()
    ) -> Iterator[tuple[Job, int]]:
        """Every job with every seed, the first seed of all before the second.

        Args:
            jobs, tables, seeds: only these; empty: all.

        Raises:
            ConfigError: no such job or table.
        """
        shown, chosen = self._named(list(jobs), list(tables))
        given, found = tuple(seeds), dict[str, dict[int, tuple[Job, int]]]()
        for table in shown:
            for job in (one for one in table.jobs if one.name in chosen):
                own = found.setdefault(job.name, {})
                own.update({seed: (job, seed) for seed in given or table.seeds or self.seeds})
        rounds = zip_longest(*(own.values() for own in found.values()))
        yield from (run for one in rounds for run in one if run)

    def _named(self, names: list[str], tables: list[str]) -> tuple[Iterable[Table], set[str]]:
        by_key = {table.key: table for table in self.tables}
        shown = [by_key[_known(key, by_key, "table")] for key in tables] or self.tables
        known = {job.name for job in self.jobs()}
        return shown, {_known(name, known, "job") for name in names} or known


def _known(name: str, known: Iterable[str], kind: str) -> str:
    if name in known:
        return name
    raise ConfigError(f"--{kind}s: there is no {kind} {show(name)}{nearest(name, known)}")
