"""How many cores there are to use, and how many torch uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_of_cores(workers: int) -> int:
    """Cores of each of several workers, and no more than OMP_NUM_THREADS asks for."""
    share = max(1, usable_cores() // workers)
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(asked)) if asked.isdecimal() and int(asked) else share


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Let torch compute with ``count`` threads in the block; None: with as many as before."""
    import torch  # the command line starts without it

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
