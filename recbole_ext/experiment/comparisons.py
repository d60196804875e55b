"""Every job of a table against its baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recbole_ext.experiment.earlier import Earlier, Told
from recbole_ext.experiment.gather import PROTOCOLS, Gathered
from recbole_ext.experiment.jobs import Table
from recbole_ext.experiment.significance import Difference, compare_paired, holm
from recbole_ext.experiment.users import JobUsers, paired


@dataclass(frozen=True)
class Comparison:
    """A job against the baseline under one metric; Holm's p is over the table's jobs."""

    job: str
    baseline: str
    protocol: str
    metric: str
    users: int
    difference: Difference
    holm_bootstrap: float
    holm_wilcoxon: float


@dataclass(frozen=True)
class Known:
    """What comparisons are made from.

    Attributes:
        found: the finished jobs by name.
        users: their results user by user; None where the ranks of a run are not at hand.
        earlier: what was told of jobs while their ranks were.
    """

    found: Mapping[str, Gathered]
    users: Mapping[str, JobUsers | None]
    earlier: Earlier

    def difference(self, job: str, baseline: str, protocol: str, metric: str) -> Told | None:
        """Of two jobs; None where nothing tells it, or their data, targets or candidates differ."""
        if self.found[job].candidates != self.found[baseline].candidates:
            return None
        one, other = self.users[job], self.users[baseline]
        if one is None or other is None:
            return self.earlier.told(self.found[job], self.found[baseline], protocol, metric)
        differences = paired(one, other, metric, protocol)
        if differences is None:
            return None
        return Told(len(differences), compare_paired(differences))


def compare_table(table: Table, known: Known) -> list[Comparison]:
    """All comparisons that the finished jobs of a table allow.

    One family of tests, as Holm's correction counts them, is: all jobs of the table under one
    metric and one protocol.
    """
    pairs = [
        (job.name, baseline.name)
        for job in table.jobs
        if (baseline := table.baseline_of(job)) and {job.name, baseline.name} <= {*known.found}
    ]
    return [
        comparison
        for protocol in PROTOCOLS
        for metric in table.metrics
        for comparison in _family(pairs, known, protocol, metric)
    ]


def _family(
    pairs: list[tuple[str, str]], known: Known, protocol: str, metric: str
) -> list[Comparison]:
    every = [(*pair, known.difference(*pair, protocol, metric)) for pair in pairs]
    tested = [(job, baseline, told) for job, baseline, told in every if told is not None]
    bootstrap = holm([told.difference.p_bootstrap for *_, told in tested])
    wilcoxon = holm([told.difference.p_wilcoxon for *_, told in tested])
    return [
        Comparison(
            job, baseline, protocol, metric, told.users, told.difference, bootstrap[i], wilcoxon[i]
        )
        for i, (job, baseline, told) in enumerate(tested)
    ]
