"""Interactions of a stated size, for measuring how costs grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.peers.leave_one_out import HELD_OUT

HEADER = "user_id:token\titem_id:token\ttimestamp:float\n"
USERS_AT_ONCE = 2_000
FIRST_SECOND = 1_600_000_000


def per_user(length: int) -> int:
    """Interactions of a user whose training part is one window of ``length`` targets."""
    return length + 1 + HELD_OUT


def write(path: Path, users: int, length: int, items: int, seed: int = 0) -> None:
    """An atomic file: every user has ``per_user(length)`` interactions, every item appears.

    Items are drawn uniformly: what an item costs does not depend on how often it occurs.
    """
    if items > users * per_user(length):
        raise ValueError(f"{users * per_user(length)} interactions cannot hold {items} items")
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="ascii") as file:
        file.write(HEADER)
        for frame in _frames(users, per_user(length), items, np.random.default_rng(seed)):
            frame.to_csv(file, sep="\t", header=False, index=False)


def _frames(users: int, each: int, items: int, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    """The rows, some users at a time; the first ``items`` rows name every item once."""
    names = rng.permutation(items) + 1
    for first in range(0, users, USERS_AT_ONCE):
        who = np.arange(first, min(first + USERS_AT_ONCE, users))
        rows = np.arange(who[0] * each, (who[-1] + 1) * each)
        drawn = np.where(rows < items, rows % items, rng.integers(items, size=len(rows)))
        when = FIRST_SECOND + 60 * (rows % each)
        yield pd.DataFrame({"user": rows // each + 1, "item": names[drawn], "time": when})
