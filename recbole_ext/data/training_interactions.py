"""Who took what when in the training part, and nothing of what is held out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.split import configured_split, in_training
from recbole_ext.data.store import IntArray


class Interactions(NamedTuple):
    """Of N interactions the ids of user and item, and the time, [N] each."""

    users: IntArray
    items: IntArray
    times: NDArray[np.float64]


def training_interactions(config: Any, dataset: Any) -> Interactions:
    """Every training interaction; of a flat data set user after user, in time order.

    Args:
        dataset: this library's flat data set, or the training part of RecBole's own (its rows are
            prefixes: a target each, and the first item of a user in the prefix of length 1).
    """
    if isinstance(dataset, FlatOrder):
        store = dataset.store
        training = in_training(store, configured_split(config, store).train_end)
        return Interactions(store.owners[training], store.items[training], dataset.times[training])
    names = (config[key] for key in ("USER_ID_FIELD", "ITEM_ID_FIELD", "TIME_FIELD"))
    users, items, times = (_all_of_prefixes(config, dataset.inter_feat, name) for name in names)
    return Interactions(users, items, times.astype(np.float64))


def _all_of_prefixes(config: Any, rows: Any, name: str) -> Any:
    """A column of RecBole's prefixes, [N]: first what stands in them alone, then the targets."""
    column, alone = rows[name], rows[config["ITEM_LIST_LENGTH_FIELD"]] == 1
    listed = name + config["LIST_SUFFIX"]
    first = rows[listed][alone, 0] if listed in rows else column[alone]  # a user has no list
    return np.concatenate([first.numpy(), column.numpy()])
