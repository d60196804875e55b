"""The quick variant of an experiment: fewer jobs, on a small data set, in minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.experiment import schema
from recbole_ext.experiment.jobs import Experiment, Job, Table


def quick_variant(experiment: Experiment, section: Any, where: str) -> Experiment:
    """The experiment that the file's ``quick:`` makes of the whole one.

    Its keys stand above all others. A job's name has the new data set in the place of the old one;
    of jobs that then bear the same name the first stays. What papers report belongs to other data
    and is left out.

    Raises:
        ConfigError: no such section, or it names what the file does not have.
    """
    if section is None:
        raise ConfigError(f"{where}: the file has no quick variant")
    quick = schema.mapping(section, where, schema.QUICK)
    dataset = quick.get("dataset")
    dataset = None if dataset is None else schema.text(dataset, f"{where}: dataset")
    keys = schema.keys(quick.get("keys"), f"{where}: keys")
    shown = _chosen([t.key for t in experiment.tables], quick.get("tables"), f"{where}: tables")
    names = _chosen([j.name for j in experiment.jobs()], quick.get("jobs"), f"{where}: jobs")
    first: dict[str, Job] = {}
    tables = [
        _table(table, names, dataset, keys, first)
        for table in experiment.tables
        if table.key in shown
    ]
    seeds = schema.seeds(quick["seeds"], f"{where}: seeds") if "seeds" in quick else None
    return replace(
        experiment,
        name=f"{experiment.name}-quick",
        seeds=tuple(seeds or experiment.seeds),
        tables=tuple(table for table in tables if table.jobs),
    )


def _table(
    table: Table, names: set[str], dataset: str | None, keys: dict[str, Any], first: dict[str, Job]
) -> Table:
    def quickened(jobs: Iterable[Job]) -> tuple[Job, ...]:
        found = [_job(job, dataset, keys) for job in jobs if job.name in names]
        return tuple({job.name: first.setdefault(job.name, job) for job in found}.values())

    title = f"{table.title} (quick{f': on {dataset}' if dataset else ''})"
    jobs, baselines = quickened(table.jobs), quickened(table.baselines)
    return replace(table, title=title, jobs=jobs, baselines=baselines, seeds=())


def _job(job: Job, dataset: str | None, keys: dict[str, Any]) -> Job:
    after = dataset or job.dataset
    name = job.name.replace(job.dataset, after, 1)
    return Job(name, job.model, after, {**job.keys, **keys})


def _chosen(known: list[str], names: Any, where: str) -> set[str]:
    asked = schema.texts(names, where)
    for name in asked:
        if name not in known:
            raise ConfigError(f"{where}: there is no {show(name)}{nearest(name, known)}")
    return set(asked or known)
