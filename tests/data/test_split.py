"""Leave-one-out under both protocols."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recbole_ext.data.split import NO_TARGET, leave_one_out, train_lengths
from recbole_ext.data.store import SequenceStore

Shared = Callable[[str], Path]


def store_of(lengths: list[int]) -> SequenceStore:
    """Users 1, 2, ... with that many items, each item another."""
    offsets = np.concatenate([[0, 0], np.cumsum(lengths)]).astype(np.int64)
    items = np.arange(1, offsets[-1] + 1, dtype=np.int64)
    return SequenceStore(items, offsets, len(items) + 1)


# length: (items trained on, place of the validation target, of the test target), from the start
PAPER = {
    1: (1, None, None),
    2: (2, None, None),
    3: (1, 1, 2),
    4: (2, 2, 3),
    5: (3, 3, 4),
    6: (4, 4, 5),
}
RECBOLE = {**PAPER, 3: (2, None, 2)}


@pytest.mark.parametrize(("protocol", "expected"), [("paper", PAPER), ("recbole", RECBOLE)])
def test_by_hand(protocol: str, expected: dict[int, tuple[int, int | None, int | None]]) -> None:
    store = store_of(list(expected))
    split = leave_one_out(store, protocol)
    for user, (trained, valid, test) in enumerate(expected.values(), 1):
        begin = store.offsets[user]
        assert split.train_end[user] - begin == trained
        assert split.valid[user] == (NO_TARGET if valid is None else begin + valid)
        assert split.test[user] == (NO_TARGET if test is None else begin + test)


@pytest.mark.parametrize("protocol", ["paper", "recbole"])
def test_pad_and_users_without_items(protocol: str) -> None:
    split = leave_one_out(store_of([0, 5, 0]), protocol)
    assert split.train_end.tolist() == [0, 0, 3, 5]
    assert split.valid.tolist() == [-1, -1, 3, -1]
    assert split.test.tolist() == [-1, -1, 4, -1]


@pytest.mark.parametrize("protocol", ["paper", "recbole"])
def test_every_interaction_has_one_role(protocol: str) -> None:
    store = store_of([1, 2, 3, 4, 5, 6, 50])
    split = leave_one_out(store, protocol)
    train = [np.arange(*ends) for ends in zip(store.offsets[:-1], split.train_end, strict=True)]
    held_out = [places[places >= 0] for places in (split.valid, split.test)]
    assert sorted(np.concatenate([*train, *held_out])) == list(range(len(store.items)))


@pytest.mark.parametrize("protocol", ["paper", "recbole"])
@pytest.mark.parametrize("holdout", [2, 5])
def test_a_longer_holdout_is_leave_one_out_of_what_comes_before(
    protocol: str, holdout: int
) -> None:
    """Users with T + 2 items or more: as if their last T - 1 items were not there."""
    lengths = list(range(1, 12))
    store = store_of(lengths)
    split = leave_one_out(store, protocol, holdout)
    for user, length in enumerate(lengths, 1):
        begin = int(store.offsets[user])
        found = [int(one[user]) - begin for one in (split.train_end, split.valid, split.test)]
        if length < holdout + 2:
            assert found[0] == length and split.valid[user] == split.test[user] == NO_TARGET
            continue
        trained, valid, test = (PAPER if protocol == "paper" else RECBOLE).get(
            length - holdout + 1, (length - holdout - 1, length - holdout - 1, length - holdout)
        )
        assert found[0] == trained
        assert found[2] == test == length - holdout
        assert (split.valid[user] == NO_TARGET) if valid is None else found[1] == valid
    assert train_lengths(store, split)[1:].tolist() == [
        int(end - begin) for begin, end in zip(store.offsets[1:], split.train_end[1:], strict=False)
    ]


def test_users_of_beauty_with_ten_held_out(shared_data: Shared) -> None:
    """The issue names 3,547 users of Beauty 5-core with at least 12 items."""
    lines = lzma.decompress(shared_data("beauty-5core").read_bytes()).decode().splitlines()
    store = store_of([len(line.split()) - 1 for line in lines])
    assert (leave_one_out(store, "paper", 10).test >= 0).sum() == 3_547


# users with a validation target (paper, recbole) and with a test target
REAL = {
    "beauty-sasrec": (50_498, 47_404, 50_498),
    "beauty-5core": (22_363, 22_363, 22_363),
    "sports-5core": (35_598, 35_598, 35_598),
    "ml-1m": (6_040, 6_040, 6_040),
}


@pytest.mark.parametrize("name", REAL)
def test_published_data_sets(name: str, shared_data: Shared) -> None:
    lines = lzma.decompress(shared_data(name).read_bytes()).decode().splitlines()
    store = store_of([len(line.split()) - 1 for line in lines])
    paper, recbole = leave_one_out(store, "paper"), leave_one_out(store, "recbole")
    assert ((paper.valid >= 0).sum(), (recbole.valid >= 0).sum(), (paper.test >= 0).sum()) == (
        REAL[name]
    )
    assert np.array_equal(paper.test, recbole.test)
