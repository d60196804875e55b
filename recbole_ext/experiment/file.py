"""Experiment files: which models run on which data, and how the results are shown.

    title: FPARec's tables              # optional
    seeds: [2024, 2025]                 # default [2024]
    common: {epochs: 200}               # keys of every job
    metrics: [NDCG@10, MRR@10]          # what is shown and tested; default [Hit@10, NDCG@10]
    baseline: VanillaAR                 # what significance is tested against: a job, or a model
    tables:
      "3":
        title: Table 3
        common: {stopping_step: 10}     # keys of this table's jobs
        seeds: [2024]                   # of this table's jobs
        metrics: [Hit@5]                # of this table
        baseline: ml-1m_PARec           # of this table
        reported: {source: arXiv 2407.02793, table: "3", data: ML-1M}   # rows of reported.csv
        analyze: [sparsity, rank]       # figures of its runs: --what of `recbole_ext analyze`
        jobs:
          ml-1m_FPARec:                 # the name of the job and of its folders
            model: FPARec               # any name that `recbole_ext models` lists, or a class of
            dataset: ml-1m              #   yours in a file that --import names
            config_files: [best.yaml]   # above common; tune's best.yaml, which may name the two
            keys: {n_heads: 2}          # above all of these
            reported: {model: FPARec}   # joined with the table's; default: the job's model; or
            paper: [0.2419, 0.1232]     #   figures given here: Hit@10 and NDCG@10, seen items kept
    quick:                              # chosen by --quick: the same in minutes
      dataset: ml-100k                  # in the place of every job's data set
      keys: {epochs: 2}                 # above all others
      seeds: [2024]
      tables: ["3"]                     # default: all
      jobs: [ml-1m_FPARec]              # default: all

Instead of ``tables`` the short form: every model on every data set under every set of overrides,
a table for each data set, jobs called ``<data set>_<model>_<override>``:

    models: [FPARec, SASRec]            # or {FPARec: {n_heads: 2}, SASRec: {}}
    datasets: [ml-100k, ml-1m]
    overrides: {small: {hidden_size: 32}, large: {hidden_size: 128}}    # optional

A job may stand in several tables; it runs once with each seed of theirs, and its settings must be
the same everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from recbole_ext import paths
from recbole_ext.analysis.pictures import checked
from recbole_ext.config.sources import read_yaml
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.experiment import schema
from recbole_ext.experiment.grid import Raw, grid_tables
from recbole_ext.experiment.jobs import SHOWN, Experiment, Job, Table
from recbole_ext.experiment.quick import quick_variant

SEED = 2024
NAMES = ("model", "dataset")


def find(name: str) -> Path:
    """The file ``name``, or the one of that name among the library's own experiments.

    Raises:
        ConfigError: a word that is neither.
    """
    folder = paths.properties_dir() / "experiment"
    own = folder / f"{name}.yaml"
    if os.path.isfile(name) or Path(name).name != name or Path(name).suffix:
        return Path(name)
    if not os.path.isfile(own):
        known = sorted(file.stem for file in folder.glob("*.yaml") if "quick" not in file.stem)
        raise ConfigError(
            f"experiment: {show(name)} is neither a file nor one of {', '.join(known)}"
            f"{nearest(name, known)}"
        )
    return own


def read(file: Path, quick: bool = False) -> Experiment:
    """The experiment of ``file``, or its quick variant.

    Raises:
        ConfigError: one line: which part of the file, and what is allowed there. Names of models
            and keys are checked by :func:`recbole_ext.experiment.check.check`.
    """
    name = file.name
    raw = schema.mapping(read_yaml(file, str(file)), name, schema.FILE)
    whole = _experiment(raw, file.stem, name)
    if not quick and raw.get("quick") is None:
        return whole
    variant = quick_variant(whole, raw.get("quick"), f"{name}: quick")  # checked even if not asked
    return variant if quick else whole


def _experiment(raw: Raw, stem: str, name: str) -> Experiment:
    raw_tables = _raw_tables(raw, name)
    tables = [_table(key, table, raw, name) for key, table in raw_tables.items()]
    every = _distinct(tables, name)
    compared = [
        replace(table, baselines=_baselines(table, raw_tables[table.key], raw, every, name))
        for table in tables
    ]
    title = schema.text(raw.get("title", stem), f"{name}: title")
    seeds = schema.seeds(raw.get("seeds", [SEED]), f"{name}: seeds")
    return Experiment(stem, title, tuple(seeds), tuple(compared))


def _raw_tables(raw: Raw, name: str) -> dict[str, Raw]:
    short = [key for key in schema.GRID if key in raw]
    if short and "tables" in raw:
        raise ConfigError(f"{name}: {short[0]} and tables exclude each other; give one of them")
    if short and "reported" in raw:
        raise ConfigError(f"{name}: reported: figures of papers are named by job; give tables")
    tables = grid_tables(raw, name) if short else raw.get("tables")
    found = schema.mapping(tables, f"{name}: tables")
    if not found:
        raise ConfigError(f"{name}: no jobs; give tables, or models and datasets")
    return {
        key: schema.mapping(table, f"{name}: tables: {key}", schema.TABLE)
        for key, table in found.items()
    }


def _table(key: str, table: Raw, raw: Raw, name: str) -> Table:
    where = f"{name}: tables: {key}"
    common = {
        **schema.keys(raw.get("common"), f"{name}: common"),
        **schema.keys(table.get("common"), f"{where}: common"),
    }
    reported = {**_reported(raw, name), **_reported(table, where)}
    jobs = schema.mapping(table.get("jobs"), f"{where}: jobs")
    if not jobs:
        raise ConfigError(f"{where}: it has no jobs")
    title = schema.text(table.get("title", key), f"{where}: title")
    made = (_job(job, own, common, reported, f"{where}: jobs: {job}") for job, own in jobs.items())
    seeds = schema.seeds(table["seeds"], f"{where}: seeds") if "seeds" in table else ()
    analyze, metrics = _analyze(key, table, where), _metrics(table, where) or _metrics(raw, name)
    return Table(key, title, tuple(made), (), analyze, tuple(seeds), metrics or SHOWN)


def _metrics(section: Raw, where: str) -> tuple[str, ...]:
    """Those that a file or a table shows; none where it says nothing of them."""
    given = "metrics" in section
    return tuple(schema.metrics(section["metrics"], f"{where}: metrics")) if given else ()


def _analyze(key: str, table: Raw, where: str) -> tuple[str, ...]:
    kinds = checked(schema.texts(table.get("analyze"), f"{where}: analyze"), f"{where}: analyze")
    if kinds:
        schema.folder_name(key, where, "table with figures")
    return tuple(dict.fromkeys(kinds))


def _job(name: str, raw: Any, common: Raw, reported: dict[str, str], where: str) -> Job:
    given = schema.mapping(raw, where, schema.JOB)
    files = _config_files(given.get("config_files"), f"{where}: config_files")
    given = {**{key: files.pop(key) for key in NAMES if key in files}, **given}
    for key in NAMES:
        if key not in given:
            raise ConfigError(f"{where}: {key} is missing")
    model = schema.text(given["model"], f"{where}: model")
    own = {"model": model, **reported, **_reported(given, where)}
    return Job(
        name=schema.folder_name(name, where),
        model=model,
        dataset=schema.text(given["dataset"], f"{where}: dataset"),
        keys={**common, **files, **schema.keys(given.get("keys"), f"{where}: keys")},
        paper=schema.figures(given.get("paper"), f"{where}: paper"),
        reported=own if "reported" in given else {},
    )


def _config_files(value: Any, where: str) -> Raw:
    """What a job's files set, the later above the earlier, less what a comparison sets itself."""
    files = [read_yaml(Path(name), name) for name in schema.texts(value, where)]
    values = {key: value for file in files for key, value in file.items()}
    return {key: value for key, value in values.items() if key not in schema.OURS}


def _reported(raw: Raw, where: str) -> dict[str, str]:
    columns = schema.mapping(raw.get("reported"), f"{where}: reported", schema.REPORTED)
    return {key: str(value) for key, value in columns.items()}


def _distinct(tables: Iterable[Table], name: str) -> dict[str, Job]:
    """All jobs by name. Raises ConfigError where one name has two settings."""
    found: dict[str, Job] = {}
    for table in tables:
        for job in table.jobs:
            if found.setdefault(job.name, job).settings() != job.settings():
                raise ConfigError(
                    f"{name}: the job {show(job.name)} stands in two tables with different settings"
                )
    return found


def _baselines(
    table: Table, own: Raw, raw: Raw, every: dict[str, Job], name: str
) -> tuple[Job, ...]:
    """The baselines of a table, at most one for each data set."""
    section = f"{name}: tables: {table.key}" if "baseline" in own else name
    given = own if "baseline" in own else raw
    where = f"{section}: baseline"
    found: dict[str, Job] = {}
    for wanted in schema.texts(given.get("baseline"), where):
        for job in _meant(wanted, table, every, where):
            first = found.setdefault(job.dataset, job).name
            if first != job.name:
                raise ConfigError(
                    f"{where}: two jobs on {job.dataset} in the table {show(table.key)}: "
                    f"{first}, {job.name}; name one"
                )
    return tuple(found.values())


def _meant(wanted: str, table: Table, every: dict[str, Job], where: str) -> list[Job]:
    """The job of that name, or the jobs of that model in the table."""
    if wanted in every:
        return [every[wanted]]
    models = {job.model for job in every.values()}
    if wanted not in models:
        raise ConfigError(
            f"{where}: there is no job and no model {show(wanted)} in the file"
            f"{nearest(wanted, [*every, *models])}"
        )
    return [job for job in table.jobs if job.model == wanted]
