"""Rows of a training or evaluation pass: windows into the flat item array.

A row is an input window and the item after it. Both training objectives and evaluation differ only
in which windows they take and in how many of a row's newest positions bear loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recbole_ext.data.split import Split
from recbole_ext.data.store import IntArray, SequenceStore


@dataclass(frozen=True)
class Rows:
    """R windows.

    Attributes:
        users: [R] user ids.
        start, end: [R] the input is ``items[start:end]``, the target of its last position
            ``items[end]``.
        all_positions: every position of the window bears loss; else the newest alone.
        cloze: window and target are one sequence, each of whose items may be hidden and asked for.
    """

    users: IntArray
    start: IntArray
    end: IntArray
    all_positions: bool = False
    cloze: bool = False

    def __len__(self) -> int:
        return len(self.users)

    @property
    def lengths(self) -> IntArray:
        """[R] positions of each window."""
        return self.end - self.start

    @property
    def counts(self) -> IntArray:
        """[R] positions of each row that bear loss."""
        return self.lengths + self.cloze if self.all_positions else np.ones_like(self.start)

    @property
    def n_targets(self) -> int:
        """Positions of all rows that bear loss."""
        return int(self.counts.sum())


def training_rows(
    config: Any, store: SequenceStore, split: Split, rng: np.random.Generator
) -> Rows:
    """The rows of an epoch, as the keys say; only ``chunk`` draws from ``rng``."""
    longest = _longest(config)
    if config["train_objective"] == "last_position":
        rows = prefix_rows(store, split, longest)
    elif config["long_sequences"] == "truncate":
        rows = newest_rows(store, split, longest)
    else:
        rows = chunk_rows(store, split, longest, rng)
    return replace(rows, cloze=config["direction"] == "ae")


def possible_rows(config: Any, store: SequenceStore, split: Split) -> Iterator[Rows]:
    """The rows of an epoch, as they may turn out: each is as likely for a user as the others."""
    if config["train_objective"] == "last_position" or config["long_sequences"] == "truncate":
        yield training_rows(config, store, split, np.random.default_rng())
        return
    longest, cloze = _longest(config), config["direction"] == "ae"
    for phase in range(1, longest + 1):
        yield replace(_cut(store, split, longest, phase), cloze=cloze)


def _longest(config: Any) -> int:
    """Items of a window; under AE its target is the last item of the model's input."""
    longest: int = config["MAX_ITEM_LIST_LENGTH"] - (config["direction"] == "ae")
    return longest


def held_out_rows(store: SequenceStore, places: IntArray, max_length: int) -> Rows:
    """One row for each held-out item: its user's newest ``max_length`` items before it."""
    users = np.flatnonzero(places >= 0)
    end = places[users]
    return Rows(users, np.maximum(store.offsets[users], end - max_length), end)


def prefix_rows(store: SequenceStore, split: Split, max_length: int) -> Rows:
    """Objective ``last_position``: a row for every prefix, as RecBole augments, in its order."""
    begin, counts = _training_targets(store, split)
    users = np.repeat(np.arange(store.n_users), counts)
    first = np.repeat(begin, counts)
    end = first + 1 + _count_up(counts)
    return Rows(users, np.maximum(first, end - max_length), end)


def newest_rows(store: SequenceStore, split: Split, max_length: int) -> Rows:
    """Objective ``all_positions``, ``long_sequences: truncate``: each user's newest window."""
    begin, counts = _training_targets(store, split)
    users = np.flatnonzero(counts > 0)
    end = split.train_end[users] - 1
    return Rows(users, np.maximum(begin[users], end - max_length), end, all_positions=True)


def chunk_rows(
    store: SequenceStore, split: Split, max_length: int, rng: np.random.Generator
) -> Rows:
    """Objective ``all_positions``, ``long_sequences: chunk``: windows that cover every target once.

    A user with more than ``max_length`` targets is cut at a random phase: a first window of 1 to
    ``max_length`` targets, then full ones, then the rest. Neighbouring windows share one item: the
    last target of one is the first input of the next. Shorter users keep their one window.
    """
    n_users = np.count_nonzero(_training_targets(store, split)[1])
    return _cut(store, split, max_length, rng.integers(1, max_length + 1, size=n_users))


def _cut(store: SequenceStore, split: Split, max_length: int, phase: IntArray | int) -> Rows:
    """As :func:`chunk_rows`, with the phase of each user who has targets, or one for all."""
    begin, counts = _training_targets(store, split)
    users = np.flatnonzero(counts > 0)
    targets = counts[users]
    head = np.where(targets > max_length, phase, targets)
    windows = 1 + -(-(targets - head) // max_length)
    owner = np.repeat(np.arange(len(users)), windows)
    place = _count_up(windows)  # 0, 1, ... within each user
    done = np.where(place == 0, 0, head[owner] + (place - 1) * max_length)
    start = begin[users][owner] + done
    size = np.where(place == 0, head[owner], np.minimum(max_length, targets[owner] - done))
    return Rows(users[owner], start, start + size, all_positions=True)


def _training_targets(store: SequenceStore, split: Split) -> tuple[IntArray, IntArray]:
    """[n_users] where each user's sequence begins and how many targets its training part has."""
    begin = store.offsets[:-1]
    return begin, np.maximum(split.train_end - begin - 1, 0)


def _count_up(counts: IntArray) -> IntArray:
    """0 .. c-1 for every c of ``counts``, one after another."""
    total = int(counts.sum())
    firsts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(total, dtype=np.int64) - firsts
