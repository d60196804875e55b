"""Quality on real data: run the jobs of an experiment file, keep what is done, write the tables.

    python -m benchmarks.quality --data_path dataset --runs saved/fparec --out results/fparec

Interrupted, it goes on where it stopped: a finished job is kept, an unfinished one resumed. A job
that fails does not stop the others; it is named at the end and the exit code is 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.machine import usable_cores
from benchmarks.quality_report import write_report
from recbole_ext.paths import properties_dir


@dataclass(frozen=True)
class Job:
    """One run: a model on a data set with its keys and its seed."""

    name: str
    model: str
    dataset: str
    seed: int
    keys: dict[str, Any]

    def folder(self, base: Path) -> Path:
        """``<base>/<name>/<seed>``."""
        return base / self.name / str(self.seed)


def main() -> int:
    """Run what is missing, then write the tables of all that is done. Returns the exit code."""
    args = parser().parse_args()
    experiment = yaml.safe_load(args.experiment.read_text(encoding="utf-8"))
    jobs = [
        job for job in all_jobs(experiment, args.seeds) if not args.jobs or job.name in args.jobs
    ]
    failed = run_all(jobs, args)
    print(write_report(experiment, args.out))
    for name, reason in failed.items():
        print(f"failed: {name}: {reason}", file=sys.stderr)
    return int(bool(failed))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    add = found.add_argument
    default = properties_dir() / "experiment" / "fparec.yaml"
    add("--experiment", type=Path, default=default, help="default: %(default)s")
    add("--data_path", default="dataset", help="where the folders of atomic files lie")
    add("--runs", type=Path, default=Path("saved/fparec"), help="folder of the run folders")
    add("--out", type=Path, default=Path("results/fparec"), help="folder of the results")
    add("--jobs", nargs="*", help="only these")
    add("--seeds", nargs="*", type=int, help="default: the file's")
    add("--workers", type=int, default=1, help="jobs at a time; they share the cores")
    return found


def all_jobs(experiment: dict[str, Any], seeds: list[int] | None) -> Iterator[Job]:
    """Every job of every table, the first seed of all before the second; none twice."""
    for seed in seeds or experiment["seeds"]:
        seen = set()
        for table in experiment["tables"].values():
            for name, job in table["jobs"].items():
                if name not in seen:
                    keys = {
                        **experiment["common"],
                        **table.get("common", {}),
                        **job.get("keys", {}),
                    }
                    yield Job(name, job["model"], job["dataset"], seed, keys)
                seen.add(name)


def run_all(jobs: list[Job], args: argparse.Namespace) -> dict[str, str]:
    """Run the jobs, ``args.workers`` at a time; what failed, with the reason."""
    failed = {}
    threads = max(1, usable_cores() // args.workers)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.workers, mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(run_job, job, args, threads): job for job in jobs}
        for done in as_completed(running):
            if (error := done.exception()) is not None:
                failed[running[done].name] = f"{type(error).__name__}: {error}"
    return failed


def run_job(job: Job, args: argparse.Namespace, threads: int) -> None:
    """Finish one job, whatever of it is there already, and keep its figures."""
    from recbole_ext.runner import resume, run

    run_dir, out = job.folder(args.runs), job.folder(args.out)
    if (out / "metrics.json").exists():
        return
    if not (run_dir / "metrics.json").exists():
        if (run_dir / "config.yaml").exists():
            resume(run_dir)
        else:
            own = {"data_path": args.data_path, "run_dir": str(run_dir), "torch_threads": threads}
            run(job.model, job.dataset, config_dict={**job.keys, "seed": job.seed, **own})
    keep(run_dir, out, job)


def keep(run_dir: Path, out: Path, job: Job) -> None:
    """Copy what a reader needs: the settings as given, the metrics, the log without paths."""
    out.mkdir(parents=True, exist_ok=True)
    given = {"model": job.model, "dataset": job.dataset, "seed": job.seed, **job.keys}
    (out / "experiment.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    log = (run_dir / "log.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    (out / "log.txt").write_text("".join(line for line in log if "run folder" not in line))
    shutil.copy(run_dir / "metrics.json", out / "metrics.json")  # last: it says that all is there


if __name__ == "__main__":
    sys.exit(main())
