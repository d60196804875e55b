"""The training part of a data set turned round: each item's users in time order."""

from __future__ import annotations

from typing import Any

import numpy as np

from recbole_ext.data.store import IntArray, SequenceStore, chronological_order
from recbole_ext.data.training_interactions import training_interactions


def item_sequences(config: Any, dataset: Any) -> SequenceStore:
    """A store of the users of each item: its "users" are the items and its "items" the users.

    Training interactions only: nothing of a held-out interaction is in it. Users of one time are
    in the order of their ids.

    Args:
        dataset: this library's flat data set, or the training part of RecBole's own.
    """
    users, items, times = training_interactions(config, dataset)
    n_users = dataset.num(config["USER_ID_FIELD"])
    n_items = dataset.num(config["ITEM_ID_FIELD"])
    order = chronological_order(items, times)
    return SequenceStore.from_ordered(users[order], items, n_items, n_users)


def newest_items(config: Any, dataset: Any) -> IntArray:
    """[n_users] each user's newest training item; PAD for one who has none."""
    users, items, times = training_interactions(config, dataset)
    order = chronological_order(users, times)
    newest = np.zeros(dataset.num(config["USER_ID_FIELD"]), dtype=items.dtype)
    newest[users[order]] = items[order]  # of a user's items the last one stays
    return newest
