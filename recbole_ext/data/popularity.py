"""How often each item occurs in the training part, and how often as a training target."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.rows import possible_rows
from recbole_ext.data.split import configured_split, in_training
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.data.training_interactions import training_interactions
from recbole_ext.nn.cloze import Cloze

FloatArray = NDArray[np.float64]
ROUNDING = 1e-9  # of sums of shares, far below any share of an item that is asked for


def interaction_counts(store: SequenceStore, train_end: IntArray) -> IntArray:
    """[n_items] by item id, of the training parts alone; PAD's is 0.

    Args:
        train_end: [n_users] ends of the training parts.
    """
    return np.bincount(store.items[in_training(store, train_end)], minlength=store.n_items)


def training_counts(config: Any, dataset: Any) -> Tensor:
    """[n_items] int64, as :func:`interaction_counts`, of a data set that a model is built with."""
    items = training_interactions(config, dataset).items
    return torch.from_numpy(np.bincount(items, minlength=dataset.num(config["ITEM_ID_FIELD"])))


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
    end = configured_split(config, store).train_end
    begin = store.offsets[:-1]
    first = np.where(end - begin > 1, begin + (not cloze), end)  # one item alone makes no row
    if config["train_objective"] == "all_positions" and config["long_sequences"] == "truncate":
        first = np.maximum(first, end - config["MAX_ITEM_LIST_LENGTH"])
    steps = np.zeros(len(store.items) + 1, dtype=np.int64)
    np.add.at(steps, first, 1)
    np.add.at(steps, end, -1)
    return store.items[steps.cumsum()[:-1] > 0]


def _prefix_targets(config: Any, dataset: Any, cloze: bool) -> IntArray:
    """RecBole's rows: a target each."""
    if cloze:
        return training_interactions(config, dataset).items
    targets: IntArray = dataset.inter_feat[config["ITEM_ID_FIELD"]].numpy()
    return targets


def expected_targets(config: Any, dataset: Any, cloze: Cloze) -> Tensor:
    """[n_items] float64, how often an epoch of cloze training asks for each item, on average.

    Items do not count alike: ``mask_last_prob`` hides the newest more often, short sequences hide
    one item at the least, an early item lies in many prefixes (``last_position``).

    Args:
        dataset: as for :func:`target_counts`.
    """
    found = _flat_expected if isinstance(dataset, FlatOrder) else _prefix_expected
    counts = found(config, dataset, cloze)
    return torch.from_numpy(np.where(counts > ROUNDING, counts, 0.0))


def _flat_expected(config: Any, dataset: FlatOrder, cloze: Cloze) -> FloatArray:
    store = dataset.store
    split = configured_split(config, store)
    steps, last = np.zeros(len(store.items) + 1), np.zeros(len(store.items))
    epochs = 0
    for rows in possible_rows(config, store, split):
        epochs += 1
        each = _hidden_at_random(rows.lengths + 1, cloze)
        np.add.at(steps, rows.start, each)
        np.add.at(steps, rows.end + 1, -each)
        np.add.at(last, rows.end, cloze.mask_last_prob)
    shares = (steps.cumsum()[:-1] + last) / epochs
    return _weighted_count(store.items, shares, store.n_items)


def _prefix_expected(config: Any, dataset: Any, cloze: Cloze) -> FloatArray:
    """RecBole's rows, left-aligned; the oldest item of a full window makes room for the next."""
    rows, item = dataset.inter_feat, config["ITEM_ID_FIELD"]
    window, newest = rows[item + config["LIST_SUFFIX"]].numpy(), rows[item].numpy()
    lengths = rows[config["ITEM_LIST_LENGTH_FIELD"]].numpy()
    full = lengths >= config["MAX_ITEM_LIST_LENGTH"]
    each = _hidden_at_random(lengths + 1 - full, cloze)
    slots = np.arange(window.shape[1])
    there = (slots >= full[:, None]) & (slots < lengths[:, None])
    items = np.concatenate([window.ravel(), newest])
    shares = np.concatenate([(there * each[:, None]).ravel(), each + cloze.mask_last_prob])
    return _weighted_count(items, shares, dataset.num(item))


def _hidden_at_random(lengths: IntArray, cloze: Cloze) -> FloatArray:
    """[R] items of a sequence -> how often each of them is hidden, the last one's extra aside."""
    hidden = cloze.expected_hidden(torch.from_numpy(lengths).double()).numpy()
    shares: FloatArray = (hidden - cloze.mask_last_prob) / lengths
    return shares


def _weighted_count(items: IntArray, shares: FloatArray, n_items: int) -> FloatArray:
    counts: Any = np.bincount(items, weights=shares, minlength=n_items)
    return np.asarray(counts, dtype=np.float64)
