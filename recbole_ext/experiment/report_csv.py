"""A report as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from recbole_ext.experiment.comparisons import Comparison
from recbole_ext.experiment.earlier import values_text
from recbole_ext.experiment.gather import PARTS, Gathered
from recbole_ext.experiment.measured import values
from recbole_ext.experiment.report import Report, TableReport, by_device
from recbole_ext.experiment.reported import Reported, figures_of

CSV_COLUMNS = (
    "table", "job", "model", "dataset", "seeds", "part", "protocol", "metric", "mean", "sd",
    "median", "values", "reported", "reported_in", "parameters", "seconds_per_epoch",
    "seconds_to_best", "trained_on", "baseline", "users", "difference", "ci_low", "ci_high",
    "p_bootstrap", "p_wilcoxon", "p_bootstrap_holm", "p_wilcoxon_holm",
)  # fmt: skip


def to_csv(report: Report) -> str:
    """The text of ``results.csv``: every metric of every job in a row, in full precision.

    Seconds are those of the first device where a job was trained on several.
    """
    written = io.StringIO()
    writer = csv.DictWriter(written, CSV_COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for table in report.tables:
        for one in table.jobs:
            writer.writerows(_csv_rows(table, one))
    return written.getvalue()


def _csv_rows(table: TableReport, one: Gathered) -> Iterator[dict[str, Any]]:
    devices = by_device(one)
    timed = next(iter(devices.values()))
    shared = {
        "table": table.table.key,
        "job": one.job.name,
        "model": one.job.model,
        "dataset": one.job.dataset,
        "seeds": " ".join(str(run.seed) for run in one.runs),
        "parameters": one.runs[0].metrics["parameters"],
        "seconds_per_epoch": timed.number("seconds_per_epoch").median,
        "seconds_to_best": timed.time_to_best().median,
        "trained_on": "; ".join(devices),
    }
    tested = {(c.protocol, c.metric): c for c in table.comparisons if c.job == one.job.name}
    reported = figures_of(one.job)
    for (part, protocol), key in PARTS.items():
        for metric in one.runs[0].metrics[key]:
            statistic = one.metric(metric, protocol, part)
            if statistic is None:
                continue
            row = {"part": part, "protocol": protocol, "metric": metric, "mean": statistic.mean}
            row |= {"sd": "" if statistic.sd is None else statistic.sd}
            row |= {"median": statistic.median, "values": values_text(statistic)}
            if part == "test":
                row |= _csv_comparison(tested.get((protocol, metric)))
                row |= _csv_reported(reported.get((protocol, metric)))
            yield shared | row
    for name, value, published in values(table.analysis, one.job):
        row = {"part": "attention", "metric": name, "mean": value, "values": repr(value)}
        row |= {"seeds": one.runs[0].seed} | _csv_reported(published)
        yield shared | row


def _csv_reported(one: Reported | None) -> dict[str, Any]:
    return {"reported": one.value, "reported_in": one.source} if one else {}


def _csv_comparison(one: Comparison | None) -> dict[str, Any]:
    if one is None:
        return {}
    return {
        "baseline": one.baseline,
        "users": one.users,
        "difference": one.difference.mean,
        "ci_low": one.difference.low,
        "ci_high": one.difference.high,
        "p_bootstrap": one.difference.p_bootstrap,
        "p_wilcoxon": one.difference.p_wilcoxon,
        "p_bootstrap_holm": one.holm_bootstrap,
        "p_wilcoxon_holm": one.holm_wilcoxon,
    }
