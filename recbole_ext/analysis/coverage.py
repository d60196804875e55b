"""How many items have users enough for anything to be learned from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recbole_ext.analysis.deciles import DECILES, popularity_deciles
from recbole_ext.data.split import Split, in_training
from recbole_ext.data.store import IntArray, SequenceStore

LEAST_USERS = (1, 5, 20)


@dataclass(frozen=True)
class Decile:
    """A tenth of the items by training interactions.

    Attributes:
        decile: 1 to 10, the most popular.
        items: how many.
        interactions: training interactions of all of them.
        with_users: share of the items with at least 1, 5, 20 training users (:data:`LEAST_USERS`).
    """

    decile: int
    items: int
    interactions: int
    with_users: tuple[float, ...]


def training_users(store: SequenceStore, split: Split) -> tuple[IntArray, IntArray]:
    """[n_items] training interactions of each item, and how many users they are of."""
    training = in_training(store, split.train_end)
    items, owner = store.items[training], store.owners[training]
    pairs = np.unique(items * store.n_users + owner) // store.n_users  # the item of each pair
    interactions, users = (np.bincount(of, minlength=store.n_items) for of in (items, pairs))
    return interactions, users


def by_decile(interactions: IntArray, users: IntArray) -> list[Decile]:
    """Both [n_items], PAD first, which is no item; tenths without an item are left out."""
    deciles = popularity_deciles(interactions)
    groups = [(place, deciles == place) for place in range(1, DECILES + 1)]
    return [
        Decile(
            place,
            int(mine.sum()),
            int(interactions[mine].sum()),
            tuple(float((users[mine] >= least).mean()) for least in LEAST_USERS),
        )
        for place, mine in groups
        if mine.any()
    ]
