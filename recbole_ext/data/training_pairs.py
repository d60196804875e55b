"""Who took what in the training part, and nothing of what is held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.split import configured_split, in_training
from recbole_ext.data.store import IntArray


def training_pairs(config: Any, dataset: Any) -> tuple[IntArray, IntArray]:
    """User and item ids of every training interaction, [N] each; user after user, in time order.

    Args:
        dataset: this library's flat data set, or the training part of RecBole's own (its rows are
            prefixes: a target each, and the first item of a user in the prefix of length 1).
    """
    if isinstance(dataset, FlatOrder):
        store = dataset.store
        training = in_training(store, configured_split(config, store).train_end)
        return store.owners[training], store.items[training]
    rows = dataset.inter_feat
    users = all_of_prefixes(config, rows, config["USER_ID_FIELD"])
    return users, all_of_prefixes(config, rows, config["ITEM_ID_FIELD"])


def all_of_prefixes(config: Any, rows: Any, name: str) -> Any:
    """A column of RecBole's prefixes, [N]: first what stands in them alone, then the targets."""
    column, alone = rows[name], rows[config["ITEM_LIST_LENGTH_FIELD"]] == 1
    listed = name + config["LIST_SUFFIX"]
    first = rows[listed][alone, 0] if listed in rows else column[alone]  # a user has no list
    return np.concatenate([first.numpy(), column.numpy()])
