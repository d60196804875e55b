"""The comparison: run what is missing, keep what is there, tell the results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

from recbole_ext.config.sources import read_yaml
from recbole_ext.cores import share_of_cores
from recbole_ext.errors import INTERRUPTED, ConfigError
from recbole_ext.experiment import file, schema
from recbole_ext.experiment.analyses import analyze
from recbole_ext.experiment.check import changed_files, check
from recbole_ext.experiment.gather import Gathered, gather
from recbole_ext.experiment.jobs import Experiment, Job
from recbole_ext.experiment.one_job import GIVEN, Spec
from recbole_ext.experiment.processes import Processes, run_on_ray
from recbole_ext.experiment.report import build_report
from recbole_ext.experiment.report_text import summary
from recbole_ext.experiment.report_write import write_report
from recbole_ext.experiment.reported import figures_of
from recbole_ext.imports import imported
from recbole_ext.locks import held, room_for
from recbole_ext.training.run_folder import LOG_FILE, METRICS_FILE

_WARNED = " WARNING "  # before a line of a log


@dataclass(frozen=True)
class Places:
    """Where things lie; all absolute, so that every process finds them."""

    data_path: Path
    runs: Path
    out: Path


def compare(args: argparse.Namespace) -> int:
    """Run an experiment as the arguments of `recbole_ext compare` say. Returns the exit code.

    Raises:
        ConfigError: one line, before anything runs.
    """
    _check_numbers(args)
    path = file.find(args.experiment)
    experiment = file.read(path, args.quick)
    places = _places(args, experiment)
    chosen = list(experiment.runs(args.jobs, args.tables, args.seeds))
    specs = [_spec(job, seed, places, args) for job, seed in chosen]
    missing = [spec for spec in specs if not Path(spec.out, METRICS_FILE).exists()]
    for job in (job for table in experiment.tables for job in table.jobs):
        figures_of(job)  # refuses rows that reported.csv does not have
    absent = check(missing, path.name, experiment.tables)
    there = gather(experiment, places.out, places.runs)  # damage is said before hours of training
    further = [] if args.seeds else _further_seeds(experiment, there, places.out)
    for line in [*_changed(specs, missing), *further, *absent.values()]:
        _say(f"note: {line}")
    can_run = [
        replace(spec, data=there[spec.name].data) if spec.name in there else spec
        for spec in missing
        if spec.dataset not in absent
    ]
    _check_writable(places.out)
    if len(missing) < len(specs):
        _say(f"{len(specs) - len(missing)} of {len(specs)} runs are there already")
    try:
        failed = [*_without_data(missing, absent), *_run(can_run, args)]
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on from here")
        return INTERRUPTED
    try:
        failed += analyze(experiment, places.out, places.runs, _say)
        _report(experiment, places, {job.name for job, _ in chosen})
    finally:  # whatever becomes of the report
        for line in failed:
            _say(f"failed: {line}")
    return int(bool(failed))


def _check_numbers(args: argparse.Namespace) -> None:
    if args.workers < 1:
        raise ConfigError(f"--workers must be 1 or more, not {args.workers}")
    if args.seeds:
        schema.seeds(args.seeds, "--seeds")


def _check_writable(out: Path) -> None:
    """Before hours of training. Raises ConfigError where results cannot be kept."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise ConfigError(f"--out: cannot write in {out}: {error.strerror}") from error


def _places(args: argparse.Namespace, experiment: Experiment) -> Places:
    return Places(
        Path(args.data_path).absolute(),
        (args.runs or Path("saved", experiment.name)).absolute(),
        (args.out or Path("results", experiment.name)).absolute(),
    )


def _spec(job: Job, seed: int, places: Places, args: argparse.Namespace) -> Spec:
    return Spec(
        name=job.name,
        model=job.model,
        dataset=job.dataset,
        seed=seed,
        keys=job.keys,
        run_dir=str(job.folder(places.runs, seed)),
        out=str(job.folder(places.out, seed)),
        data_path=str(places.data_path),
        threads=share_of_cores(args.workers),
        imports=imported(),
    )


def _changed(specs: Iterable[Spec], missing: Iterable[Spec]) -> Iterator[str]:
    """A line for each kept result that other settings gave than the file has now.

    Raises:
        ConfigError: a seed of such a job is missing: its mean would be one over several settings.
    """
    to_come = {spec.name for spec in missing}
    for spec in {spec.name: spec for spec in specs}.values():
        for beside in sorted(Path(spec.out).parent.glob(f"*/{GIVEN}")):
            kept, now = read_yaml(beside, str(beside)), {**spec.given(), "seed": None}
            kept["seed"] = None
            if not (beside.parent / METRICS_FILE).exists():
                continue
            seed = beside.parent.name
            run_dir = Path(spec.run_dir).parent / seed
            keys = [key for key in {**kept, **now} if kept.get(key) != now.get(key)]
            keys = keys or changed_files(spec, run_dir, beside.parent)
            if not keys:
                continue
            again = f"remove {beside.parent} and {run_dir}"
            if spec.name in to_come:
                raise ConfigError(
                    f"{spec.name}, seed {seed}, was run with other settings than it has now "
                    f"({', '.join(keys)}); to run it again with the others {again}"
                )
            yield (
                f"{spec.name}, seed {seed}, is kept though it has other settings now "
                f"({', '.join(keys)}); to run it again {again}"
            )


def _further_seeds(
    experiment: Experiment, there: Mapping[str, Gathered], out: Path
) -> Iterator[str]:
    """A line for each job with results of seeds that the file does not name."""
    named: dict[str, set[int]] = {}
    for job, seed in experiment.runs():
        named.setdefault(job.name, set()).add(seed)
    for name, one in there.items():
        more = [str(run.seed) for run in one.runs if run.seed not in named[name]]
        if more:
            yield (
                f"{name} counts {'seed' if len(more) == 1 else 'seeds'} {', '.join(more)} too, "
                f"which the file does not name; to leave them out remove them from {out / name}"
            )


def _without_data(missing: list[Spec], absent: Mapping[str, str]) -> Iterator[str]:
    """A line for each data set that is not there, with all that wait for it."""
    for dataset, line in absent.items():
        waiting = [f"{one.name}, seed {one.seed}" for one in missing if one.dataset == dataset]
        yield f"{'; '.join(waiting)}: {line}"


def _run(missing: list[Spec], args: argparse.Namespace) -> list[str]:
    """Run the jobs; the lines that tell which failed and why."""
    if not missing:
        return []
    failed = []
    with _held(missing):
        ended = run_on_ray(missing) if args.ray else Processes(args.workers).run(missing)
        for count, (spec, reason) in enumerate(ended, 1):
            _say(f"{count} of {len(missing)}: {spec.name}, seed {spec.seed}: {reason or 'done'}")
            if args.ray or args.workers > 1:  # of a single one they have been seen
                for line in _warnings(Path(spec.out, LOG_FILE)):
                    _say(f"{spec.name}, seed {spec.seed}: {line}")
            if reason is not None:
                failed.append(f"{spec.name}, seed {spec.seed}: {reason}")
    return failed


def _report(experiment: Experiment, places: Places, chosen: set[str]) -> None:
    """Write the report, and show what was found of the ``chosen`` jobs."""
    report = build_report(experiment, places.out, places.runs)
    written = write_report(report, places.out)
    print(summary(report, chosen))
    for line in written:
        _say(line)


def _warnings(log: Path) -> Iterator[str]:
    """What a job has warned of."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    yield from (line.partition(_WARNED)[2] for line in lines if _WARNED in line)


@contextmanager
def _held(specs: Sequence[Spec]) -> Iterator[None]:
    """Hold the runs for this process alone; comparisons of other runs may share the folder.

    Raises:
        ConfigError: another comparison is at one of them, or they are too many.
    """
    room = room_for(len(specs), "choose fewer by --jobs, --tables or --seeds")
    with room, ExitStack() as locks:
        for spec in specs:
            run_dir = Path(spec.run_dir)
            busy = (
                f"{run_dir}: another compare runs this job; wait for it, choose others by --jobs "
                "or --seeds, or give another --runs and --out"
            )
            locks.enter_context(held(run_dir.parent / f".{run_dir.name}.lock", busy))
        yield


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
