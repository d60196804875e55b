"""Results user by user: paired differences of two jobs, and means over groups of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from recbole_ext.evaluation.per_user import PerUser, read
from recbole_ext.experiment.gather import MASKED, Gathered

Floats = NDArray[np.float64]

N_GROUPS = 5
# Means over three seeds differ in their last bits where they should not, 1 - 2/3 from 1/3: a test
# by ranks must see the ties.
DECIMALS = 12


@dataclass(frozen=True)
class JobUsers:
    """A job's users, those that every seed has tested, with a row of results for each seed.

    Attributes:
        data: digest of the data set; ids of two jobs mean the same only if it is equal.
        users: [U] ids, ascending.
        seeds: one PerUser a seed, of exactly these users in this order.
    """

    data: str
    users: NDArray[np.int64]
    seeds: tuple[PerUser, ...]

    def metric(self, name: str, protocol: str) -> Floats:
        """[U] a metric such as ``NDCG@10``, the mean over seeds."""
        metric, _, k = name.partition("@")
        values = [seed.metric(metric, int(k), protocol == MASKED) for seed in self.seeds]
        return np.mean(values, axis=0)


def read_users(gathered: Gathered) -> JobUsers | None:
    """Of all runs of a job; None where one has left no ranks, saw other data or other users.

    Raises:
        DataError: a damaged file.
    """
    if any(run.ranks is None for run in gathered.runs):
        return None
    found = [read(run.ranks) for run in gathered.runs if run.ranks is not None]
    if len({data for _, data in found}) > 1:
        return None
    shared = reduce(np.intersect1d, [one.users for one, _ in found])
    if not len(shared):
        return None
    return JobUsers(found[0][1], shared, tuple(picked(one, shared) for one, _ in found))


def picked(one: PerUser, users: NDArray[np.int64]) -> PerUser:
    """The rows of ``users``, in their order; all of them must be there."""
    order = np.argsort(one.users)
    places = order[np.searchsorted(one.users, users, sorter=order)]
    return PerUser(*(getattr(one, name)[places] for name in one.__dataclass_fields__))


def paired(job: JobUsers, baseline: JobUsers, metric: str, protocol: str) -> Floats | None:
    """[U] job minus baseline for every user of both; None where their data or targets differ."""
    users = np.intersect1d(job.users, baseline.users)
    if job.data != baseline.data or not len(users):
        return None
    sides = [
        JobUsers(side.data, users, tuple(picked(seed, users) for seed in side.seeds))
        for side in (job, baseline)
    ]
    targets = [seed.targets for side in sides for seed in side.seeds]
    if not all(np.array_equal(targets[0], other) for other in targets[1:]):
        return None
    values = [side.metric(metric, protocol) for side in sides]
    return np.round(values[0] - values[1], DECIMALS)


@dataclass(frozen=True)
class Groups:
    """Users in groups of about equal size by one of their numbers."""

    field: str  # "history_length" or "target_popularity"
    names: tuple[str, ...]
    edges: tuple[int, ...]  # group g: edges[g] <= number < edges[g + 1]

    def means(self, job: JobUsers, metric: str, protocol: str) -> list[float | None]:
        """The metric's mean in each group; None where a group is empty."""
        values = job.metric(metric, protocol)
        group = np.searchsorted(self.edges, getattr(job.seeds[0], self.field), side="right") - 1
        group = np.clip(group, 0, len(self.names) - 1)
        return [
            float(values[group == g].mean()) if (group == g).any() else None
            for g in range(len(self.names))
        ]


def make_groups(numbers: NDArray[np.int64], field: str, count: int = N_GROUPS) -> Groups:
    """Up to ``count`` groups between quantiles of ``numbers``; equal numbers stay together."""
    inner = np.quantile(numbers, np.arange(1, count) / count, method="higher")
    starts = sorted({int(numbers.min()), *(int(edge) for edge in inner)})
    ends = [*(start - 1 for start in starts[1:]), int(numbers.max())]
    sizes = np.diff(np.searchsorted(np.sort(numbers), [*starts, numbers.max() + 1]))
    spans = (f"{a}" if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True))
    names = (f"{span} ({size:,} users)" for span, size in zip(spans, sizes, strict=True))
    return Groups(field, tuple(names), (*starts, int(numbers.max()) + 1))


def groups_of(jobs: Sequence[JobUsers], field: str) -> Groups:
    """The groups that all ``jobs`` of a data set share: those of the first one's users."""
    return make_groups(getattr(jobs[0].seeds[0], field), field)
