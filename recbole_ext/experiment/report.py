"""The report of an experiment: what has finished, compared, and written in every form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from recbole_ext.experiment import analyses
from recbole_ext.experiment.analyses import Analysis
from recbole_ext.experiment.cells import NOTHING
from recbole_ext.experiment.comparisons import Comparison, Known, compare_table
from recbole_ext.experiment.earlier import Earlier
from recbole_ext.experiment.gather import Finished, Gathered, comparable, gather
from recbole_ext.experiment.jobs import Experiment, Table
from recbole_ext.experiment.users import JobUsers, read_users


@dataclass(frozen=True)
class TableReport:
    """A table of the file with its finished jobs, their comparisons and their figures."""

    table: Table
    jobs: tuple[Gathered, ...]
    comparisons: tuple[Comparison, ...]
    analysis: Analysis | None = None

    def data(self) -> list[str]:
        """Of each data set the variant: ``toy: 200 users, 40 items, 999 interactions (0123abcd)``.

        Two variants under one name, which must not be compared, are two lines.
        """
        return list(dict.fromkeys(_variant(one) for one in self.jobs))


@dataclass(frozen=True)
class Report:
    """Everything that is told; ``users`` holds what was found user by user, by job."""

    title: str
    name: str
    tables: tuple[TableReport, ...]
    users: Mapping[str, JobUsers | None]

    def jobs(self) -> dict[str, list[Gathered]]:
        """The finished jobs by what they were tested on, each once."""
        every = {one.job.name: one for table in self.tables for one in table.jobs}
        return comparable(every.values())


def device(run: Finished) -> str:
    """What a run was trained on, as far as it says: ``cpu, 2 CPUs``; a dash if it says nothing."""
    versions = run.metrics.get("versions")
    found = versions if isinstance(versions, dict) else {}
    cpus, torch = run.metrics.get("cpus", found.get("cpus")), found.get("torch")
    known = run.metrics.get("device")
    if not known and str(torch).endswith("+cpu"):  # a build that can do nothing else
        known = "cpu"
    parts = [known] if known else [torch and f"torch {torch}"]
    if known in (None, "", "cpu") and cpus:  # a CPU is told from others by their number only
        parts.insert(len(parts) if known else 0, f"{cpus} CPUs")
    return ", ".join(str(part) for part in parts if part) or NOTHING


def by_device(one: Gathered) -> dict[str, Gathered]:
    """The runs of a job apart where their seconds must not be mixed, in the order of the seeds."""
    found: dict[str, list[Finished]] = {}
    for run in one.runs:
        found.setdefault(device(run), []).append(run)
    return {name: replace(one, runs=tuple(runs)) for name, runs in found.items()}


def _variant(one: Gathered) -> str:
    data = one.runs[0].metrics["data"]
    sizes = (f"{data[key]:,} {key}" for key in ("users", "items", "interactions") if key in data)
    return f"{one.job.dataset}: {', '.join(sizes)} ({one.data[:8]})"


def _repeats(table: Table, jobs: tuple[Gathered, ...], shown: list[TableReport]) -> bool:
    """Whether an unfinished table shows nothing yet, row or figure, that those before it do not."""
    rows = {one.job.name for other in shown for one in other.jobs}
    unfinished = len(jobs) < len(table.jobs)
    return unfinished and not table.analyze and all(one.job.name in rows for one in jobs)


def build_report(experiment: Experiment, out: Path, runs: Path) -> Report:
    """Gather and compare.

    Comparisons of jobs whose ranks are not at hand are those that an earlier report in ``out`` has
    told of the same runs.

    Raises:
        DataError: a damaged result.
    """
    found = gather(experiment, out, runs)
    users = {name: read_users(one) for name, one in found.items()}
    known = Known(found, users, Earlier.read(out))
    tables: list[TableReport] = []
    for table in experiment.tables:
        # A job of two tables may have other reported figures in each.
        jobs = tuple(replace(found[job.name], job=job) for job in table.jobs if job.name in found)
        if jobs and not _repeats(table, jobs, tables):
            compared = tuple(compare_table(table, known))
            tables.append(TableReport(table, jobs, compared, analyses.read(table, out)))
    return Report(experiment.title, out.name, tuple(tables), users)
