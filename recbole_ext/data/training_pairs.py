"""Who took what in the training part, and nothing of what is held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.split import leave_one_out, train_lengths
from recbole_ext.data.store import IntArray, SequenceStore


def training_pairs(config: Any, dataset: Any) -> tuple[IntArray, IntArray]:
    """User and item ids of every training interaction, [N] each.

    Args:
        dataset: this library's flat data set, or the training part of RecBole's own (its rows are
            prefixes: a target each, and the first item of a user in the prefix of length 1).
    """
    if isinstance(dataset, FlatOrder):
        return flat_pairs(dataset.store, config["split_protocol"] or "paper", config["holdout"])
    rows, item, user = dataset.inter_feat, config["ITEM_ID_FIELD"], config["USER_ID_FIELD"]
    alone = rows[config["ITEM_LIST_LENGTH_FIELD"]] == 1
    first = rows[item + config["LIST_SUFFIX"]][alone, 0]
    users = np.concatenate([rows[user].numpy(), rows[user][alone].numpy()])
    return users, np.concatenate([rows[item].numpy(), first.numpy()])


def flat_pairs(
    store: SequenceStore, protocol: str = "paper", holdout: int | None = 1
) -> tuple[IntArray, IntArray]:
    """The same of a store, user after user in time order."""
    lengths = train_lengths(store, leave_one_out(store, protocol, holdout or 1))
    users = np.repeat(np.arange(store.n_users), lengths)
    within = np.arange(len(users)) - np.repeat(lengths.cumsum() - lengths, lengths)
    return users, store.items[np.repeat(store.offsets[:-1], lengths) + within]
