"""Giving freed memory back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):  # another C library: nothing to do
        return None


def release_freed_memory() -> None:
    """Let glibc return freed heap pages; a no-op elsewhere.

    Batches of changing width leave holes that glibc neither reuses well nor returns: on ML-1M a
    run's resident memory crept from 0.7 to 5.7 GB over 90 epochs, all of it free. Called once an
    epoch it costs a few milliseconds.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)
