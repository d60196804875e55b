"""Length buckets and gathering."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.batches import (
    LENGTH_BLUR,
    TARGET_COUNT,
    TARGET_WEIGHT,
    FieldNames,
    batches_by_length,
    batches_in_order,
    batches_of_equal_length,
    count_of_equal_length,
    gather,
)
from recbole_ext.data.rows import Rows, held_out_rows, newest_rows, prefix_rows
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import SequenceStore

NAMES = FieldNames("user_id", "item_id", "item_id_list", "item_length", "_list")
LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=300)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def random_store(seed: int = 0, users: int = 20) -> SequenceStore:
    draw = rng(seed)
    offsets = np.concatenate([[0, 0], np.cumsum(draw.integers(3, 15, users))]).astype(np.int64)
    items = draw.integers(1, 50, offsets[-1])
    columns = {
        "timestamp": draw.random(offsets[-1]).astype(np.float32),
        "genres": draw.integers(1, 9, (offsets[-1], 3)),
    }
    return SequenceStore(items, offsets, 50, columns)


@given(LENGTHS, st.integers(1, 64), st.integers(0, 9))
def test_each_row_is_in_one_batch(lengths: list[int], size: int, seed: int) -> None:
    batches = batches_by_length(np.array(lengths), size, rng(seed))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // size)
    assert sorted(map(len, batches), reverse=True)[:-1] == [size] * (len(batches) - 1)


@given(LENGTHS, st.integers(1, 64), st.integers(0, 9))
def test_rows_of_a_batch_are_alike(lengths: list[int], size: int, seed: int) -> None:
    """Of two batches, one ends where the other begins, apart from the blur."""
    batches = [
        np.array(lengths)[batch] for batch in batches_by_length(np.array(lengths), size, rng(seed))
    ]
    shortest = np.array([batch.min() for batch in batches])
    longest = np.array([batch.max() for batch in batches])
    below = longest[:, None] <= shortest * (1 + LENGTH_BLUR) + 1e-9
    assert (below | below.T | np.eye(len(batches), dtype=bool)).all()


@given(LENGTHS, st.integers(1, 64), st.integers(0, 9), st.booleans())
def test_batches_of_one_length(lengths: list[int], size: int, seed: int, shuffle: bool) -> None:
    array = np.array(lengths)
    batches = batches_of_equal_length(array, size, rng(seed) if shuffle else None)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert all(len(set(array[one])) == 1 and len(one) <= size for one in batches)
    fewest = sum(-(-lengths.count(length) // size) for length in set(lengths))
    assert len(batches) == count_of_equal_length(array, size) == fewest
    if not shuffle:
        assert np.concatenate(batches).tolist() == np.argsort(array, kind="stable").tolist()


def test_rows_of_one_length_change_company() -> None:
    lengths = np.repeat([3, 5], 100)
    one, two = (batches_of_equal_length(lengths, 10, rng(seed)) for seed in (0, 1))
    assert {frozenset(b.tolist()) for b in one}.isdisjoint(frozenset(b.tolist()) for b in two)


def test_batches_save_padding() -> None:
    lengths = rng(1).integers(1, 201, 2000)
    batches = batches_by_length(lengths, 50, rng(2))
    padded = sum(lengths[batch].max() * len(batch) for batch in batches)
    assert padded < 1.15 * lengths.sum()  # a random order pads to twice the sum
    at_random = rng(3).permutation(2000).reshape(40, 50)
    assert sum(lengths[batch].max() * 50 for batch in at_random) > 1.9 * lengths.sum()


def test_company_and_order_change() -> None:
    lengths = np.full(100, 7)
    one, two = (batches_by_length(lengths, 10, rng(seed)) for seed in (0, 1))
    assert {frozenset(b.tolist()) for b in one}.isdisjoint(frozenset(b.tolist()) for b in two)
    distinct = np.arange(1, 101) ** 2
    orders = [[b.min() // 10 for b in batches_by_length(distinct, 10, rng(s))] for s in (0, 1)]
    assert orders[0] != orders[1]


def test_batches_in_order() -> None:
    assert [batch.tolist() for batch in batches_in_order(5, 2)] == [[0, 1], [2, 3], [4]]
    assert list(batches_in_order(0, 2)) == []


@pytest.mark.parametrize("make", [prefix_rows, newest_rows])
@pytest.mark.parametrize("width", [None, 9])
def test_gather_equals_a_naive_loop(make: object, width: int | None) -> None:
    store = random_store()
    rows: Rows = make(store, leave_one_out(store), 9)  # type: ignore[operator]
    picked = rng(4).permutation(len(rows))[:13]
    batch = gather(store, rows, picked, NAMES, width)
    longest = max(rows.lengths[picked])
    for place, row in enumerate(picked):
        start, end = rows.start[row], rows.end[row]
        padding = [0] * ((longest if width is None else width) - (end - start))
        assert batch["user_id"][place] == rows.users[row]
        assert batch["item_id"][place] == store.items[end]
        assert batch["item_length"][place] == end - start
        assert batch["item_id_list"][place].tolist() == [*store.items[start:end], *padding]
        times = store.columns["timestamp"]
        assert batch["timestamp"][place] == times[end]
        assert batch["timestamp_list"][place].tolist() == [*times[start:end], *padding]
        genres = store.columns["genres"]
        assert batch["genres"][place].tolist() == genres[end].tolist()
        expected = [*genres[start:end].tolist(), *([0, 0, 0] for _ in padding)]
        assert batch["genres_list"][place].tolist() == expected


def test_columns_of_a_file_do_not_stand_for_generated_ones() -> None:
    """A data set may have a column that is called as one of a batch's own."""
    store = random_store()
    ones = np.ones(len(store.items), dtype=np.int64)
    names = ("item_length", "item_id_list", "target_count", "target_weight", "newest_row")
    odd = SequenceStore(
        store.items, store.offsets, 50, {**store.columns, **dict.fromkeys(names, ones)}
    )
    rows = prefix_rows(store, leave_one_out(store), 9)
    plain = gather(store, rows, np.arange(9), NAMES)
    batch = gather(odd, rows, np.arange(9), NAMES)
    assert list(batch.interaction) == list(plain.interaction)
    assert all(torch.equal(batch[name], plain[name]) for name in plain.interaction)


def test_types_are_those_of_recbole() -> None:
    store = random_store()
    rows = newest_rows(store, leave_one_out(store), 9)
    batch = gather(store, rows, np.arange(3), NAMES)
    integers = ("user_id", "item_id", "item_id_list", "item_length", "genres", "genres_list")
    assert {batch[name].dtype for name in integers} == {torch.int64}
    assert {batch[name].dtype for name in ("timestamp", "timestamp_list")} == {torch.float32}
    assert len(batch) == 3


def test_target_count_is_for_rows_that_train_all_positions() -> None:
    store = random_store()
    split = leave_one_out(store)
    newest = gather(store, newest_rows(store, split, 9), np.arange(5), NAMES)
    assert newest[TARGET_COUNT].tolist() == newest["item_length"].tolist()
    for rows in (prefix_rows(store, split, 9), held_out_rows(store, split.test, 9)):
        batch = gather(store, rows, np.arange(5), NAMES)
        assert TARGET_COUNT not in batch
        assert TARGET_WEIGHT not in batch


def test_the_last_user_of_the_store_is_padded_inside_it() -> None:
    """A short last row next to a long one looks beyond the end of the flat array."""
    store = SequenceStore(np.arange(1, 9), np.array([0, 0, 6, 8]), 9)
    rows = Rows(np.array([1, 2]), np.array([0, 6]), np.array([5, 7]))
    batch = gather(store, rows, np.arange(2), NAMES)
    assert batch["item_id_list"].tolist() == [[1, 2, 3, 4, 5], [7, 0, 0, 0, 0]]
    assert batch["item_id"].tolist() == [6, 8]


def test_names_come_from_the_configuration() -> None:
    config = {
        "USER_ID_FIELD": "u",
        "ITEM_ID_FIELD": "i",
        "LIST_SUFFIX": "_s",
        "ITEM_LIST_LENGTH_FIELD": "n",
    }
    assert FieldNames.from_config(config) == FieldNames("u", "i", "i_s", "n", "_s")
