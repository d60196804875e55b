"""The folder of a sweep and those of its trials: all that a stopped sweep goes on from."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from recbole_ext.config.sources import read_yaml
from recbole_ext.config.yaml_dialect import dump
from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.files import Folder, claim_empty, fresh_name
from recbole_ext.locks import held
from recbole_ext.training.run_folder import CONFIG_FILE, RESUME_FILE

SPACE_FILE = "space.yaml"
TRIALS_DIR = "trials"
TRIALS_TABLE = "trials.csv"
BEST_FILE = "best.yaml"
FINAL_DIR = "final"
LOCK_FILE = ".lock"
RAY_DIR = ".ray"  # Tune's own files; never read again
HISTORY_FILE = "history.jsonl"
RESULT_FILE = "result.json"
ERROR_FILE = "error.txt"
RUN_DIR = "run"

WAITING, BEGUN = "waiting", "begun"  # no result yet
FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
_ENDS = (FINISHED, STOPPED, FAILED)


@dataclass(frozen=True)
class Report:
    """One validation of a trial.

    Attributes:
        epochs: trained so far.
        score: of the sweep's metric.
        seconds: spent so far, reading the data included.
        metrics: all of this validation.
    """

    epochs: int
    score: float
    seconds: float
    metrics: dict[str, float]

    @classmethod
    def of(cls, saved: Any) -> Report:
        """What ``asdict`` made of one. Raises TypeError or ValueError for anything else."""
        report = cls(**saved)
        good = type(report.epochs) is int and isinstance(report.metrics, dict)
        if not good or not all(map(math.isfinite, (report.score, report.seconds))):
            raise TypeError("no report")
        return report


class TrialFolder:
    """``trials/<number>``: what was asked, what each validation found, how it ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = int(path.name)
        self.run_dir = path / RUN_DIR

    @property
    def config_file(self) -> Path:
        return self.path / CONFIG_FILE

    def begin(self, config: Mapping[str, Any]) -> None:
        """Note what the trial is to run; a folder without this note is no trial."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._files.write_text(CONFIG_FILE, dump(dict(config)))

    def config(self) -> dict[str, Any]:
        """What the trial is to run."""
        return read_yaml(self.config_file, str(self.config_file))

    def history(self) -> list[Report]:
        """Its validations so far. Raises CheckpointError where the file is damaged."""
        file = self.path / HISTORY_FILE
        if not file.exists():
            return []
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
            return [Report.of(json.loads(line)) for line in lines]
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise CheckpointError(f"{file}: not as a trial left it ({error})") from error

    def add(self, report: Report) -> None:
        """Note a validation; those of epochs that were trained again are replaced."""
        earlier = [one for one in self.history() if one.epochs < report.epochs]
        lines = [json.dumps(asdict(one), allow_nan=False) for one in [*earlier, report]]
        self._files.write_text(HISTORY_FILE, "\n".join(lines) + "\n")

    def end(self, status: str, reason: str = "") -> None:
        """Note how the trial ended, and drop what only an unfinished one needs."""
        self._files.write_json(RESULT_FILE, {"status": status, "reason": reason})
        (self.run_dir / RESUME_FILE).unlink(missing_ok=True)

    def status(self) -> tuple[str, str]:
        """One of the states above, and the reason of a failure."""
        file = self.path / RESULT_FILE
        if not file.exists():
            return (BEGUN if self.history() else WAITING), ""
        try:
            result = json.loads(file.read_text(encoding="utf-8"))
            if result["status"] not in _ENDS:
                raise ValueError(f"status {result['status']!r}")
            return result["status"], str(result["reason"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise CheckpointError(f"{file}: not as a sweep left it ({error})") from error

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to train."""
        return self.status()[0] in _ENDS

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other process trains here: one that is dying may still write."""
        with open(self.path / LOCK_FILE, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @property
    def _files(self) -> Folder:
        return Folder(self.path)


class SweepFolder(Folder):
    """Paths of a sweep's folder, and what is written there."""

    @classmethod
    def create(cls, parent: Path, model: str, dataset: str, sweep_dir: str | None) -> SweepFolder:
        """Make a new folder: ``sweep_dir``, or a fresh name under ``parent``.

        Raises:
            ConfigError: ``sweep_dir`` already holds something.
        """
        path = Path(sweep_dir) if sweep_dir else parent / fresh_name(model, dataset)
        try:
            free = claim_empty(path, LOCK_FILE)
        except OSError as error:
            raise ConfigError(f"--sweep_dir: cannot make {path}: {error.strerror}") from error
        if not free:
            raise ConfigError(
                f"--sweep_dir: {path} is not empty; go on with 'recbole_ext tune "
                f"--resume={path}' or choose another folder"
            )
        return cls(path.resolve())

    @classmethod
    def open(cls, path: str | Path) -> SweepFolder:
        """An existing sweep. Raises CheckpointError where ``path`` is none."""
        if not (Path(path) / SPACE_FILE).is_file():
            raise CheckpointError(f"{path} is no folder of a sweep: it has no {SPACE_FILE}")
        return cls(Path(path).resolve())

    def trial(self, number: int) -> TrialFolder:
        """The folder of a trial, whether it exists or not."""
        return TrialFolder(self.path / TRIALS_DIR / f"{number:03d}")

    def trials(self) -> list[TrialFolder]:
        """Those that have been asked for, by number."""
        found = (self.path / TRIALS_DIR).glob("[0-9]*")
        known = [TrialFolder(path) for path in found if path.name.isdigit()]
        return sorted(
            (trial for trial in known if trial.config_file.is_file()), key=lambda t: t.number
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the sweep for this process. Raises ConfigError where another one has it."""
        with held(self.file(LOCK_FILE), f"{self.path}: another process runs this sweep"):
            yield

    def drop_ray_files(self) -> None:
        """Remove what Tune has written for itself."""
        shutil.rmtree(self.path / RAY_DIR, ignore_errors=True)

    def write_best(self, text: str) -> None:
        """``best.yaml``; the run in full of another configuration, of fewer trials, moves aside."""
        file, final = self.file(BEST_FILE), self.file(FINAL_DIR)
        if file.exists() and file.read_text(encoding="utf-8") != text and final.exists():
            earlier = (self.file(f"{FINAL_DIR}-{number}") for number in count(1))
            final.rename(next(place for place in earlier if not place.exists()))
        self.write_text(BEST_FILE, text)

    def write_table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """``trials.csv``; a value that is no text stands as in JSON."""
        out = io.StringIO()
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
        self.write_text(TRIALS_TABLE, out.getvalue())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
