"""Locks of the operating system: they die with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recbole_ext.errors import ConfigError

_OTHERS = 64  # files that a process has open beside its locks


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


@contextmanager
def room_for(locks: int, cure: str) -> Iterator[None]:
    """So many locks more, each an open file, may be held in the block.

    Raises:
        ConfigError: the system allows a process fewer; the line ends in ``cure``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and locks + _OTHERS > hard:
        raise ConfigError(
            f"{locks:,} runs at once need as many open files, and a process may have {hard:,} here "
            f"(ulimit -Hn); {cure}"
        )
    if soft != resource.RLIM_INFINITY:
        wanted = soft + locks
        _allow(wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    try:
        yield
    finally:
        _allow(soft, hard)


def _allow(soft: int, hard: int) -> None:
    with suppress(ValueError, OSError):  # macOS: less than the hard limit may be too much
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
