"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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
        """A path to write to; it becomes ``name`` if the block ends well, else it is removed."""
        handle, beside = tempfile.mkstemp(prefix=f".{name}.", dir=self.path)
        os.close(handle)
        try:
            yield Path(beside)
            with open(beside, "rb") as written:
                os.fsync(written.fileno())
            os.chmod(beside, 0o644)
            os.replace(beside, self.path / name)
        except OSError as error:
            error.filename = str(self.path / name)  # a failed write names no file by itself
            raise
        finally:
            Path(beside).unlink(missing_ok=True)
