"""Training users of items by decile of popularity, against counting."""

from __future__ import annotations

import numpy as np

from recbole_ext.analysis.coverage import by_decile, training_users
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import SequenceStore


def test_training_users_count_each_user_once_and_held_out_ones_never() -> None:
    """User 1 trains on 1 1 2, user 2 on 1, user 3, too short to be tested, on 3 3."""
    items, users = np.array([1, 1, 2, 3, 4, 1, 2, 2, 3, 3]), np.repeat([1, 2, 3], [5, 3, 2])
    store = SequenceStore.from_ordered(items, users, n_users=4, n_items=6)
    interactions, distinct = training_users(store, leave_one_out(store))
    assert interactions.tolist() == [0, 3, 1, 2, 0, 0]
    assert distinct.tolist() == [0, 2, 1, 1, 0, 0]


def test_deciles_by_hand() -> None:
    users = np.array([99, *range(40, 0, -2)])  # 20 items of 40, 38, ..., 2 users; PAD aside
    found = by_decile(2 * users, users)[::-1]
    assert [one.decile for one in found] == list(range(10, 0, -1))
    assert [one.items for one in found] == [2] * 10
    assert [one.interactions for one in found] == [2 * (78 - 8 * d) for d in range(10)]
    assert {one.with_users[0] for one in found} == {1.0}
    assert [one.with_users[1] for one in found] == [1.0] * 9 + [0.0]  # 2 and 4 users
    assert [one.with_users[2] for one in found] == [1.0] * 5 + [0.5] + [0.0] * 4  # 20 and 18


def test_fewer_items_than_deciles() -> None:
    found = by_decile(np.array([0, 5, 0, 7]), np.array([0, 5, 0, 6]))
    assert [(one.items, one.interactions, one.with_users) for one in found] == [
        (1, 0, (0.0, 0.0, 0.0)), (1, 5, (1.0, 1.0, 0.0)), (1, 7, (1.0, 1.0, 0.0)),
    ]  # fmt: skip
