"""Every job of a table against its baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recbole_ext.experiment.gather import PROTOCOLS, Gathered
from recbole_ext.experiment.jobs import Table
from recbole_ext.experiment.significance import Difference, compare_paired, holm
from recbole_ext.experiment.users import JobUsers, paired

METRICS = ("Hit@10", "NDCG@10")


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


def compare_table(
    table: Table, found: Mapping[str, Gathered], users: Mapping[str, JobUsers | None]
) -> list[Comparison]:
    """All comparisons that the finished jobs of a table allow.

    One family of tests, as Holm's correction counts them, is: all jobs of the table under one
    metric and one protocol.
    """
    pairs = [
        (job.name, baseline.name)
        for job in table.jobs
        if (baseline := table.baseline_of(job)) and job.name in found and baseline.name in found
    ]
    return [
        comparison
        for protocol in PROTOCOLS
        for metric in METRICS
        for comparison in _family(pairs, users, metric, protocol)
    ]


def _family(
    pairs: list[tuple[str, str]], users: Mapping[str, JobUsers | None], metric: str, protocol: str
) -> list[Comparison]:
    tested: list[tuple[str, str, int, Difference]] = []
    for job, baseline in pairs:
        one, other = users[job], users[baseline]
        if one is None or other is None:
            continue
        differences = paired(one, other, metric, protocol)
        if differences is not None:
            tested.append((job, baseline, len(differences), compare_paired(differences)))
    bootstrap = holm([difference.p_bootstrap for *_, difference in tested])
    wilcoxon = holm([difference.p_wilcoxon for *_, difference in tested])
    return [
        Comparison(job, baseline, protocol, metric, n, difference, bootstrap[i], wilcoxon[i])
        for i, (job, baseline, n, difference) in enumerate(tested)
    ]
