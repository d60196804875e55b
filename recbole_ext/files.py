"""Files that appear whole or not at all, and where a command may write them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from recbole_ext.errors import ConfigError


class Folder:
    """A folder whose files are written beside their place and moved there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str) -> Path:
        return self.path / name

    def write_text(self, name: str, text: str) -> None:
        """Write beside, flush to disk, rename: a reader sees the old file or the new one."""
        with self.replacing(name) as beside:
            beside.write_text(text, encoding="utf-8")

    def write_json(self, name: str, value: Any) -> None:
        self.write_text(name, json.dumps(value, indent=2, allow_nan=False) + "\n")

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """A path to write to; it becomes ``name`` if the block ends well, else it is removed.

        It lies in a folder of its own: whatever a writer makes beside it goes with that folder.
        """
        try:
            with self._beside(name) as own:
                beside = Path(own, name)
                beside.touch()
                mode = beside.stat().st_mode  # safetensors puts a file of mode 0600 in its place
                yield beside
                with beside.open("rb") as written:
                    os.fsync(written.fileno())
                beside.chmod(mode)
                beside.replace(self.path / name)
        except OSError as error:
            error.filename = str(self.path / name)  # a failed write names no file by itself
            raise

    def _beside(self, name: str) -> TemporaryDirectory[str]:
        """A new folder; a file written in it is none the worse where NFS does not let it go."""
        return TemporaryDirectory(prefix=f".{name}.", dir=self.path, ignore_cleanup_errors=True)


def fresh_name(model: str, dataset: str) -> str:
    """A folder's name that no other run or sweep has."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return f"{model}-{dataset}-{stamp}-{secrets.token_hex(3)}"


def claim_empty(folder: Path, file: str) -> bool:
    """Make ``folder`` and put an empty ``file`` into it; False where it holds something.

    Of two processes that begin at the same moment, one finds that the other has been quicker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return False
    try:
        (folder / file).open("x").close()
    except FileExistsError:
        return False
    return True


def checked_output(option: str, output: str | None, to_stdout: bool = False) -> Path | None:
    """The file to write, refused before any work if it cannot be written.

    Args:
        option: what names it, such as ``--out``.
        to_stdout: without a file, what it would hold goes to stdout.

    Raises:
        ConfigError: a folder, no regular file, or a place that nobody may write to.
    """
    if output is None:
        return None
    if not output:
        raise ConfigError(f"{option}: an empty file name")
    if _is_device(os.path.abspath(output)):
        instead = f"; without {option} stdout is written to" if to_stdout else ", no file"
        raise ConfigError(f"{option}: {output} is a device{instead}")
    path = Path(os.path.realpath(output))  # a link stays, its file is replaced
    if path.is_file() and not os.access(path, os.W_OK):
        raise ConfigError(f"{option}: {output} cannot be written (it is read-only)")
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise ConfigError(f"{option}: {output} is {what}")
    if not path.parent.is_dir():
        raise ConfigError(f"{option}: {output} cannot be written (no folder {path.parent})")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{option}: {output} cannot be written (its folder is read-only)")
    return path


def _is_device(path: str) -> bool:
    """/dev/stdout, say, which leads to any file; /dev/shm is a place for files."""
    return path.startswith(("/dev/", "/proc/")) and not path.startswith("/dev/shm/")


def write_report(place: Path, found: dict[str, Any] | str) -> Path:
    """Write an analysis, JSON or text, whole or not at all; returns its place.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        if isinstance(found, str):
            Folder(place.parent).write_text(place.name, found)
        else:
            Folder(place.parent).write_json(place.name, found)
    except OSError as error:
        raise ConfigError(f"{place} cannot be written ({error.strerror})") from error
    return place
