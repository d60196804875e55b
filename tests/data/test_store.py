"""The flat sequence store: exact stable time order."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.store import SequenceStore, chronological_order

TIMES = (0.0, 1.0, 2.0**31, 2.0**31 + 0.25, 2.0**31 + 0.5, 1e300)
Row = tuple[int, int, float]  # user 1..5, item 1..9, time
ROWS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 9), st.sampled_from(TIMES)), max_size=60
)


def store_of(rows: list[Row], n_users: int = 6, n_items: int = 10) -> SequenceStore:
    users = np.array([row[0] for row in rows], dtype=np.int64)
    items = np.array([row[1] for row in rows], dtype=np.int64)
    times = np.array([row[2] for row in rows], dtype=np.float64)
    order = chronological_order(users, times)
    return SequenceStore.from_ordered(items[order], users, n_users, n_items)


def test_groups_by_user_in_time_order() -> None:
    store = store_of([(2, 5, 3.0), (1, 7, 9.0), (2, 6, 1.0), (4, 8, 0.0), (1, 9, 2.0)])
    assert store.items.tolist() == [9, 7, 6, 5, 8]
    assert store.offsets.tolist() == [0, 0, 2, 4, 4, 5, 5]
    assert store.lengths.tolist() == [0, 2, 2, 0, 1, 0]
    assert [store.sequence(user).tolist() for user in range(6)] == [[], [9, 7], [6, 5], [], [8], []]
    assert (store.n_users, store.n_items) == (6, 10)
    assert store.items.dtype == store.offsets.dtype == np.int64


def test_ties_keep_the_order_of_the_input() -> None:
    store = store_of([(1, 5, 1.0), (1, 3, 1.0), (1, 8, 0.0), (1, 4, 1.0), (1, 9, 0.0)])
    assert store.items.tolist() == [8, 9, 5, 3, 4]


def test_fractions_that_float32_would_merge() -> None:
    later = 2.0**31 + np.array([0.75, 0.25, 0.5, 0.0])
    assert len(set(later.astype(np.float32))) == 1
    store = store_of([(1, item, time) for item, time in enumerate(later.tolist(), 1)])
    assert store.items.tolist() == [4, 2, 3, 1]


def test_negative_and_infinite_times() -> None:
    store = store_of([(1, 1, np.inf), (1, 2, 0.0), (1, 3, -5.0), (1, 4, -np.inf)])
    assert store.items.tolist() == [4, 3, 2, 1]


def test_no_interactions() -> None:
    store = store_of([])
    assert (len(store.items), store.offsets.tolist()) == (0, [0] * 7)


def test_sha256_tells_orders_and_owners_apart() -> None:
    variants = [
        store_of([(1, 1, 0.0), (1, 2, 1.0), (2, 3, 2.0)]),
        store_of([(1, 2, 0.0), (1, 1, 1.0), (2, 3, 2.0)]),  # another order
        store_of([(1, 1, 0.0), (2, 2, 1.0), (2, 3, 2.0)]),  # the same items, another owner
        store_of([(1, 1, 0.0), (1, 2, 1.0), (2, 4, 2.0)]),  # another item
        store_of([(1, 1, 0.0), (1, 2, 1.0), (2, 3, 2.0)], n_users=7),
    ]
    assert len({store.sha256() for store in variants}) == len(variants)


def test_sha256_stays_what_it_was() -> None:
    """Runs compare it with the one in their metrics.json, so it must not change its meaning."""
    known = "31dd9538429de035398d1c0a4e62ee2075ed7ec3b8f35e003fe66a51022ba32d"  # by hashlib alone
    assert store_of([(1, 1, 0.0), (1, 2, 1.0), (2, 3, 2.0)]).sha256() == known


@pytest.mark.parametrize("copied", [np.int32, np.int64, ">i8"])
def test_sha256_does_not_depend_on_how_numbers_are_held(copied: str) -> None:
    store = store_of([(1, 1, 0.0), (1, 2, 1.0), (2, 3, 2.0)])
    other = SequenceStore(store.items.astype(copied), store.offsets.astype(copied), store.n_items)
    assert other.sha256() == store.sha256()


@given(ROWS)
def test_equals_a_naive_stable_sort(rows: list[Row]) -> None:
    naive: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        naive[row[0]].append(row)
    store = store_of(rows)
    for user in range(store.n_users):
        expected = [item for _, item, _ in sorted(naive[user], key=lambda row: row[2])]
        assert store.sequence(user).tolist() == expected


@given(ROWS, st.randoms(use_true_random=False))
def test_input_order_matters_within_ties_alone(rows: list[Row], random: object) -> None:
    distinct = [(user, item, float(place)) for place, (user, item, _) in enumerate(rows)]
    shuffled = list(distinct)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert store_of(shuffled).sha256() == store_of(distinct).sha256()


def test_cut() -> None:
    """Users 1 and 3 have items 1 to 3 and 4 to 5; one item of 1 is kept, none of 3."""
    store = SequenceStore(np.arange(1, 6), np.array([0, 0, 3, 3, 5]), 6)
    cut = store.cut(np.array([-1, 1, -1, 3]))
    assert [cut.sequence(user).tolist() for user in range(4)] == [[], [1], [], []]
    whole = store.cut(np.array([-1, 3, -1, -1]))
    assert [whole.sequence(user).tolist() for user in range(4)] == [[], [1, 2, 3], [], []]
