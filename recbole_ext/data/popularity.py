"""How often each item occurs in the training part, and how often as a training target."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import IntArray, SequenceStore


def interaction_counts(store: SequenceStore, train_end: IntArray) -> IntArray:
    """[n_items] by item id, of the training parts alone; PAD's is 0.

    Args:
        train_end: [n_users] ends of the training parts.
    """
    in_training = np.arange(len(store.items)) < np.repeat(train_end, store.lengths)
    return np.bincount(store.items[in_training], minlength=store.n_items)


def target_counts(config: Any, dataset: Any) -> Tensor:
    """[n_items] int64 by item id, of the training part alone; PAD's is 0.

    Under ``direction: ar`` the first item of a sequence is no target; under ``ae`` all are. With
    ``long_sequences: truncate`` the newest window of each user counts, since no other is trained.

    Args:
        dataset: this library's flat data set, or the training part of RecBole's own.
    """
    cloze = config["direction"] == "ae"
    if isinstance(dataset, FlatOrder):
        items = _flat_targets(config, dataset, cloze)
    else:
        items = _prefix_targets(config, dataset, cloze)
    return torch.from_numpy(np.bincount(items, minlength=dataset.num(config["ITEM_ID_FIELD"])))


def _flat_targets(config: Any, dataset: FlatOrder, cloze: bool) -> IntArray:
    store = dataset.store
    end = leave_one_out(store, config["split_protocol"], config["holdout"]).train_end
    begin = store.offsets[:-1]
    first = np.where(end - begin > 1, begin + (not cloze), end)  # one item alone makes no row
    if config["train_objective"] == "all_positions" and config["long_sequences"] == "truncate":
        first = np.maximum(first, end - config["MAX_ITEM_LIST_LENGTH"])
    steps = np.zeros(len(store.items) + 1, dtype=np.int64)
    np.add.at(steps, first, 1)
    np.add.at(steps, end, -1)
    return store.items[steps.cumsum()[:-1] > 0]


def _prefix_targets(config: Any, dataset: Any, cloze: bool) -> IntArray:
    """RecBole's rows: a target each; the first item of a user is a prefix of length 1."""
    rows, item = dataset.inter_feat, config["ITEM_ID_FIELD"]
    targets: IntArray = rows[item].numpy()
    if not cloze:
        return targets
    alone = rows[config["ITEM_LIST_LENGTH_FIELD"]] == 1
    return np.concatenate([targets, rows[item + config["LIST_SUFFIX"]][alone, 0].numpy()])
