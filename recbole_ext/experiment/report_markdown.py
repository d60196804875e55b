"""The tables of an experiment: what was measured beside what the paper reports."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

from tabulate import tabulate

from recbole_ext.experiment.jobs import Experiment, Job

SHOWN = ("Hit@10", "NDCG@10")
HEADERS = (
    "job", "seeds", "best epoch", "s an epoch", "parameters", "valid NDCG@10",
    "Hit@10 kept", "NDCG@10 kept", "paper, kept", "Hit@10 masked", "NDCG@10 masked",
)  # fmt: skip
HOW_TO_READ = """\
Leave-one-out, all items ranked, the best epoch by validation NDCG@10 (seen kept) tested once.
*kept*: items of the history stay candidates, as in the paper; *masked*: they do not. Median where
there is more than one seed. *best epoch*: of how many run; a run that was best in its last epochs
was stopped by its budget. Seconds an epoch come from a machine that did other work as well."""


def write_report(experiment: Experiment, out: Path) -> str:
    """Write ``<out>/tables.md`` from all that is done, and return it."""
    parts = [f"# {out.name}", HOW_TO_READ]
    for table in experiment.tables:
        rows = [r for job in table.jobs if (r := row(job, out)) is not None]
        if rows:
            parts += [
                f"## {table.title}",
                tabulate(rows, HEADERS, "github", disable_numparse=True),
            ]
    text = "\n\n".join(parts) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    (out / "tables.md").write_text(text, encoding="utf-8")
    return text


def row(job: Job, out: Path) -> list[str] | None:
    """One line of a table, None where nothing is done."""
    runs = [
        json.loads(f.read_text("utf-8")) for f in sorted((out / job.name).glob("*/metrics.json"))
    ]
    if not runs:
        return None

    def middle(part: str, metric: str) -> str:
        return f"{median(run[part][metric] for run in runs):.4f}"

    return [
        job.name,
        " ".join(str(run["seed"]) for run in runs),
        ", ".join(f"{run['best_epoch']} of {run['epochs']}" for run in runs),
        f"{median(run['seconds_per_epoch'] for run in runs):.1f}",
        f"{runs[0]['parameters']:,}",
        middle("valid", "NDCG@10"),
        *(middle("test", metric) for metric in SHOWN),
        "/".join("–" if value is None else f"{value:.4f}" for value in (job.paper or ())),
        *(middle("test_seen_masked", metric) for metric in SHOWN),
    ]
