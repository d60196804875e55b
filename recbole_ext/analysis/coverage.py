"""How many items have users enough for anything to be learned from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recbole_ext.data.split import Split, in_training
from recbole_ext.data.store import IntArray, SequenceStore

LEAST_USERS = (1, 5, 20)
N_GROUPS = 10


@dataclass(frozen=True)
class Decile:
    """A tenth of the items by training interactions, the most popular ones in the first.

    Attributes:
        items: how many.
        interactions: training interactions of all of them.
        with_users: share of the items with at least 1, 5, 20 training users (:data:`LEAST_USERS`).
    """

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
    """Both [n_items], PAD first, which is no item. Ties are split by id; none is empty."""
    order = 1 + np.argsort(-interactions[1:], kind="stable")
    return [
        Decile(
            len(group),
            int(interactions[group].sum()),
            tuple(float((users[group] >= least).mean()) for least in LEAST_USERS),
        )
        for group in np.array_split(order, N_GROUPS)
        if len(group)
    ]
