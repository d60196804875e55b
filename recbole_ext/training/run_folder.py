"""The folder of one run: never shared by two."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from recbole_ext.errors import CheckpointError, ConfigError, DataError
from recbole_ext.files import Folder, claim_empty, fresh_name
from recbole_ext.locks import held
from recbole_ext.training.metrics_file import read_metrics

CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.json"
RANKS_FILE = "ranks.safetensors"
HISTORY_FILE = "history.csv"
MODEL_FILE = "model.safetensors"
RESUME_FILE = "resume.safetensors"
LOG_FILE = "log.txt"
TENSORBOARD_DIR = "tensorboard"
_REPLACED = (CONFIG_FILE, METRICS_FILE, RANKS_FILE, HISTORY_FILE, MODEL_FILE, RESUME_FILE)


_current: Path | None = None


def current_folder() -> Path | None:
    """The folder of the run that this process has begun last, if it has not ended well."""
    return _current


class RunFolder(Folder):
    """A run folder: how it is made, held, logged in and taken away again."""

    def __init__(self, path: Path, made: Sequence[Path] = ()) -> None:
        super().__init__(path)
        self._made = made  # with it: the folders that it lies in, the innermost first

    @classmethod
    def create(cls, model: str, dataset: str, parent: str, run_dir: str | None) -> RunFolder:
        """Make a new folder: ``run_dir``, or a fresh name under ``parent``.

        Raises:
            ConfigError: ``run_dir`` already holds something.
        """
        path = (Path(run_dir) if run_dir else Path(parent, fresh_name(model, dataset))).resolve()
        made = [folder for folder in path.parents if not folder.exists()]
        try:
            free = claim_empty(path, LOG_FILE)
        except OSError as error:
            raise ConfigError(f"run_dir: cannot make {path}: {error.strerror}") from error
        if not free:
            raise ConfigError(
                f"run_dir: {path} is not empty; resume it with 'recbole_ext resume {path}' or "
                "choose another folder"
            )
        return cls(path, made)

    @classmethod
    def open(cls, run_dir: str | Path) -> RunFolder:
        """An existing run. Raises ``CheckpointError`` where ``run_dir`` is none."""
        path = Path(run_dir)
        if not path.exists():
            raise CheckpointError(f"{path} is no run folder: it does not exist")
        if not (path / CONFIG_FILE).is_file():
            raise CheckpointError(f"{path} is no run folder: it has no {CONFIG_FILE}")
        return cls(path.resolve())

    def config(self) -> dict[str, Any]:
        """Every setting of the run. Raises CheckpointError for a damaged file."""
        file = self.file(CONFIG_FILE)
        try:
            saved = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, RecursionError, ValueError, OSError) as error:
            raise CheckpointError(f"{file}: unreadable ({error})") from error
        if not isinstance(saved, dict):
            raise CheckpointError(f"{file}: no configuration in it")
        for name in ("model", "dataset"):
            if not saved.get(name):
                raise CheckpointError(f"{file}: not as a run left it (no {name})")
        return saved

    def metrics(self) -> dict[str, Any]:
        """Of a finished run. Raises CheckpointError for a damaged file, or where there is none."""
        try:
            return read_metrics(self.file(METRICS_FILE))
        except FileNotFoundError as error:
            raise CheckpointError(f"{self.path} has not finished: no {METRICS_FILE}") from error
        except DataError as error:
            raise CheckpointError(f"{error}{self._way_out()}") from error

    def _way_out(self) -> str:
        """How to come to another METRICS_FILE, where there is a way."""
        if not self.file(RESUME_FILE).is_file():
            return ""
        return f"; remove it, and it is written anew by: recbole_ext resume {self.path}"

    def begin(self, config: str) -> None:
        """Write the configuration into a new folder, or leave no folder that is no run.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            self.write_text(CONFIG_FILE, config)
        except OSError as error:
            self.remove()
            raise ConfigError(f"run_dir: cannot write in {self.path}: {error.strerror}") from error

    def remove(self) -> None:
        """Leave nothing of a run that has not begun."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):  # another run may have begun beside it
            for folder in self._made:
                folder.rmdir()

    def held(self) -> AbstractContextManager[None]:
        """Training here is this process's alone, for the block.

        Raises:
            ConfigError: another process trains this run.
        """
        return held(self.file(LOG_FILE), f"{self.path}: another process is training this run")

    def sweep(self) -> None:
        """Remove what a killed process left half-written beside the files of the run."""
        for name in _REPLACED:
            for leftover in self.path.glob(f".{name}.*"):
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                else:  # of an earlier version
                    leftover.unlink()

    @contextmanager
    def logging(self, level: int = logging.INFO) -> Iterator[None]:
        """Send the root logger to this run's ``log.txt`` and to stderr, for the block alone.

        RecBole's own set-up is global: a second run in a process logs into the first one's file.
        """
        root = logging.getLogger()
        plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
        to_file = _LogFile(self.file(LOG_FILE), encoding="utf-8")
        to_console = logging.StreamHandler(sys.stderr)
        to_file.setFormatter(plain)
        to_console.setFormatter(logging.Formatter("%(message)s"))
        before, handlers = root.level, (to_file, to_console)
        root.setLevel(level)
        for handler in handlers:
            root.addHandler(handler)
        global _current
        _current = self.path
        try:
            yield
            _current = None  # not of an interrupted run: the command line names it
        finally:
            for handler in handlers:
                root.removeHandler(handler)
                handler.close()
            root.setLevel(before)


class _LogFile(logging.FileHandler):
    """The log of a run. On a full disk the next checkpoint says so, not a traceback a line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Go on without the line."""
