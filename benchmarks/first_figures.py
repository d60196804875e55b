"""Quality on real data: run the jobs of an experiment file, keep what is done, write the table.

    python -m benchmarks.first_figures --data_path dataset --out results/first_figures

Interrupted, it goes on where it stopped: a finished job is kept, an unfinished one resumed.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from tabulate import tabulate

from recbole_ext.paths import properties_dir

KEPT = ("metrics.json", "log.txt")
SHOWN = ("Hit@10", "NDCG@10")
HEADERS = (
    "job", "data (sha256)", "best epoch", "s an epoch",
    "Hit@10 kept", "NDCG@10 kept", "paper, kept", "Hit@10 masked", "NDCG@10 masked",
)  # fmt: skip


def main() -> None:
    """Run what is missing, then write the table of all that is done."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = properties_dir() / "experiment" / "first_figures.yaml"
    parser.add_argument("--experiment", type=Path, default=default)
    parser.add_argument("--data_path", default="dataset")
    parser.add_argument("--runs", type=Path, default=Path("saved/first_figures"))
    parser.add_argument("--out", type=Path, default=Path("results/first_figures"))
    parser.add_argument("--jobs", nargs="*", help="only these")
    args = parser.parse_args()
    experiment = yaml.safe_load(args.experiment.read_text(encoding="utf-8"))
    for name, job in experiment["jobs"].items():
        if args.jobs and name not in args.jobs:
            continue
        settings = {**experiment["common"], **job["keys"], "data_path": args.data_path}
        run_job(job, settings, args.runs / name)
        keep(args.runs / name, args.out / name, {**experiment["common"], **job["keys"]}, job)
    write_table(experiment["jobs"], args.out)


def run_job(job: dict[str, Any], settings: dict[str, Any], run_dir: Path) -> None:
    """Finish one job in ``run_dir``, whatever is there already."""
    from recbole_ext.runner import resume, run

    if (run_dir / "metrics.json").exists():
        return
    if (run_dir / "config.yaml").exists():
        resume(run_dir)
    else:
        run(job["model"], job["dataset"], config_dict={**settings, "run_dir": str(run_dir)})


def keep(run_dir: Path, out: Path, settings: dict[str, Any], job: dict[str, Any]) -> None:
    """Copy what a reader needs: the settings as given, the metrics, the log without paths."""
    out.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copy(run_dir / name, out / name)
    log = (out / "log.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    (out / "log.txt").write_text("".join(line for line in log if "run folder" not in line))
    given = {"model": job["model"], "dataset": job["dataset"], **settings}
    (out / "experiment.yaml").write_text(yaml.safe_dump(given, sort_keys=False))


def write_table(jobs: dict[str, Any], out: Path) -> None:
    """``table.md``: every finished job, beside the paper's figures."""
    rows = [row(name, job, out / name) for name, job in jobs.items() if (out / name).exists()]
    table = tabulate(rows, headers=HEADERS, tablefmt="github", floatfmt=".4f")
    (out / "table.md").write_text(f"{table}\n", encoding="utf-8")
    print(table)


def row(name: str, job: dict[str, Any], folder: Path) -> list[Any]:
    """One line of the table; test figures, of the best validation epoch."""
    found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    paper = "/".join(f"{job['paper'][m]:.4f}" for m in SHOWN if m in job["paper"])
    kept = [found["test"][metric] for metric in SHOWN]
    masked = [found["test_seen_masked"][metric] for metric in SHOWN]
    data = f"{job['dataset']} ({found['data']['sha256'][:8]})"
    seconds = f"{found['seconds_per_epoch']:.1f}"
    epochs = f"{found['best_epoch']} of {found['epochs']}"
    return [name, data, epochs, seconds, *kept, paper, *masked]


if __name__ == "__main__":
    main()
