"""Which windows are trained on and ranked."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.rows import Rows, chunk_rows, held_out_rows, newest_rows, prefix_rows
from recbole_ext.data.split import Split, leave_one_out
from recbole_ext.data.store import SequenceStore

LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=8)
WIDTH = st.integers(1, 9)
PROTOCOL = st.sampled_from(["paper", "recbole"])


def prepared(lengths: list[int], protocol: str = "paper") -> tuple[SequenceStore, Split]:
    """Users 1, 2, ... with that many items; the item at place i is i + 1."""
    offsets = np.concatenate([[0, 0], np.cumsum(lengths)]).astype(np.int64)
    items = np.arange(1, offsets[-1] + 1, dtype=np.int64)
    store = SequenceStore(items, offsets, len(items) + 1)
    return store, leave_one_out(store, protocol)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def windows(rows: Rows) -> list[tuple[int, int, int]]:
    """(user, start, end) of every row."""
    return [
        (int(u), int(s), int(e)) for u, s, e in zip(rows.users, rows.start, rows.end, strict=True)
    ]


def trained(rows: Rows) -> Counter[int]:
    """How often the item at each place is a training target."""
    first = rows.start if rows.all_positions else rows.end - 1
    spans = [range(s + 1, e + 1) for s, e in zip(first, rows.end, strict=True)]
    return Counter(place for span in spans for place in span)


def all_targets(store: SequenceStore, split: Split) -> Counter[int]:
    """Each user's training items but the first, once."""
    ends = zip(store.offsets[:-1], split.train_end, strict=True)
    return Counter(place for begin, end in ends for place in range(begin + 1, end))


def naive_prefixes(store: SequenceStore, split: Split, width: int) -> list[tuple[int, int, int]]:
    found = []
    for user in range(store.n_users):
        begin = int(store.offsets[user])
        for target in range(begin + 1, int(split.train_end[user])):
            found.append((user, max(begin, target - width), target))
    return found


def test_prefixes_by_hand() -> None:
    store, split = prepared([6, 2, 3])
    rows = prefix_rows(store, split, 2)
    assert windows(rows) == [(1, 0, 1), (1, 0, 2), (1, 1, 3), (2, 6, 7)]
    assert (rows.n_targets, len(rows), rows.all_positions) == (4, 4, False)


def test_newest_by_hand() -> None:
    store, split = prepared([6, 2, 3, 9])
    rows = newest_rows(store, split, 4)
    assert windows(rows) == [(1, 0, 3), (2, 6, 7), (4, 13, 17)]
    assert (rows.n_targets, rows.lengths.tolist(), rows.all_positions) == (8, [3, 1, 4], True)


def test_held_out_by_hand() -> None:
    store, split = prepared([6, 2, 3])
    assert windows(held_out_rows(store, split.valid, 3)) == [(1, 1, 4), (3, 8, 9)]
    assert windows(held_out_rows(store, split.test, 3)) == [(1, 2, 5), (3, 8, 10)]
    assert held_out_rows(store, split.test, 3).n_targets == 2


@given(LENGTHS, WIDTH, PROTOCOL)
def test_prefix_rows_are_every_prefix(lengths: list[int], width: int, protocol: str) -> None:
    store, split = prepared(lengths, protocol)
    rows = prefix_rows(store, split, width)
    assert windows(rows) == naive_prefixes(store, split, width)
    assert trained(rows) == all_targets(store, split)


@given(LENGTHS, WIDTH, PROTOCOL)
def test_newest_rows_are_the_last_prefix(lengths: list[int], width: int, protocol: str) -> None:
    store, split = prepared(lengths, protocol)
    last = {user: (user, start, end) for user, start, end in naive_prefixes(store, split, width)}
    assert windows(newest_rows(store, split, width)) == list(last.values())


@given(LENGTHS, WIDTH, PROTOCOL, st.integers(0, 99))
def test_chunks_cover_every_target_once(
    lengths: list[int], width: int, protocol: str, seed: int
) -> None:
    store, split = prepared(lengths, protocol)
    rows = chunk_rows(store, split, width, rng(seed))
    assert trained(rows) == all_targets(store, split)
    assert rows.n_targets == sum(all_targets(store, split).values())
    assert all(1 <= length <= width for length in rows.lengths)


@given(LENGTHS, WIDTH, PROTOCOL, st.integers(0, 99))
def test_chunks_of_a_user_share_one_item(
    lengths: list[int], width: int, protocol: str, seed: int
) -> None:
    store, split = prepared(lengths, protocol)
    rows = windows(chunk_rows(store, split, width, rng(seed)))
    for user in {user for user, _, _ in rows}:
        own = [(start, end) for other, start, end in rows if other == user]
        assert own[0][0] == store.offsets[user]
        assert own[-1][1] == split.train_end[user] - 1
        # The item at `end` is a target there and an input next.
        assert [start for start, _ in own[1:]] == [end for _, end in own[:-1]]
        assert all(end - start == width for start, end in own[1:-1])
        if split.train_end[user] - 1 - store.offsets[user] <= width:
            assert len(own) == 1


@given(LENGTHS, WIDTH, PROTOCOL, st.integers(0, 99))
def test_training_rows_never_touch_held_out_items(
    lengths: list[int], width: int, protocol: str, seed: int
) -> None:
    store, split = prepared(lengths, protocol)
    held_out = {int(place) for place in (*split.valid, *split.test) if place >= 0}
    for rows in (
        prefix_rows(store, split, width),
        newest_rows(store, split, width),
        chunk_rows(store, split, width, rng(seed)),
    ):
        for user, start, end in windows(rows):
            assert held_out.isdisjoint(range(start, end + 1))
            assert store.offsets[user] <= start < end < split.train_end[user]


@given(LENGTHS, WIDTH, PROTOCOL)
def test_held_out_rows_end_before_their_target(
    lengths: list[int], width: int, protocol: str
) -> None:
    store, split = prepared(lengths, protocol)
    for places in (split.valid, split.test):
        rows = held_out_rows(store, places, width)
        assert rows.end.tolist() == [place for place in places if place >= 0]
        for user, start, end in windows(rows):
            assert start == max(store.offsets[user], end - width)
            assert start < end < store.offsets[user + 1]


def test_phases_differ_between_epochs_and_users() -> None:
    store, split = prepared([200] * 40)
    heads = {seed: chunk_rows(store, split, 50, rng(seed)).lengths.tolist() for seed in range(3)}
    assert heads[0] != heads[1] != heads[2] != heads[0]
    rows = chunk_rows(store, split, 50, rng(0))
    first = {user: end - start for user, start, end in reversed(windows(rows))}
    assert len(set(first.values())) > 10


def test_every_phase_is_equally_likely() -> None:
    store, split = prepared([12] * 4000)  # 9 targets in windows of 4
    rows = chunk_rows(store, split, 4, rng(5))
    first = {user: end - start for user, start, end in reversed(windows(rows))}
    counts = Counter(first.values())
    assert set(counts) == {1, 2, 3, 4}
    assert all(abs(count - 1000) < 150 for count in counts.values())  # 5.5 standard deviations


@pytest.mark.parametrize("make", [prefix_rows, newest_rows])
def test_nobody_to_train_on(make: object) -> None:
    store, split = prepared([1, 3, 3])
    assert len(make(store, split, 5)) == 0  # type: ignore[operator]
    assert len(chunk_rows(store, split, 5, rng())) == 0
