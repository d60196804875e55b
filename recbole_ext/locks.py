"""Locks of the operating system: they die with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recbole_ext.errors import ConfigError


@contextmanager
def held(file: Path, busy: str) -> Iterator[None]:
    """Hold ``file`` for this process; it is made where absent, and stays as it is.

    Raises:
        ConfigError: ``busy``, where another process holds it; or the file cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.open("a")
    except OSError as error:
        raise ConfigError(f"cannot write in {file.parent}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(busy) from None
        yield
