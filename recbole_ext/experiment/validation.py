"""What validation tells of jobs in a report: by the metric that chose their epochs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from recbole_ext.config.keys import IPS, SEEN_MASKED
from recbole_ext.experiment.cells import NOTHING, Cell
from recbole_ext.experiment.gather import KEPT, MASKED, Gathered

NOTE = "*valid*: by the metric that chose the epoch, each job's own."


def agreed(jobs: Iterable[Gathered]) -> str | None:
    """The ``valid_metric`` of all jobs; None where they have several."""
    found = {one.valid_metric for one in jobs}
    return found.pop() if len(found) == 1 else None


def short(valid_metric: str) -> str:
    """``NDCG@10_ips_seen_masked`` as ``NDCG@10 ips masked``."""
    return valid_metric.replace(SEEN_MASKED, " masked").replace(IPS, " ips")


def full(valid_metric: str) -> tuple[str, str]:
    """The metric and its protocol: ``NDCG@10``, ``seen kept``."""
    plain = valid_metric.removesuffix(SEEN_MASKED)
    return short(plain), KEPT if plain == valid_metric else MASKED


def own(cell: Cell, one: Gathered) -> Cell:
    """A figure of the validation that names its metric, where those of a column differ."""
    if cell.text == NOTHING:
        return cell
    return replace(cell, text=f"{cell.text} {short(one.valid_metric)}")
