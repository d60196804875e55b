"""``task: next_user``: the data set turned round, so that every model predicts an item's next user.

From here on the items of the files are the "users" of the data set, its users the "items".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.split import configured_split, in_training
from recbole_ext.data.store import SequenceStore, chronological_order

if TYPE_CHECKING:
    from recbole_ext.data.dataset import FlatOrder


def turn_round(dataset: FlatOrder) -> None:
    """Swap users and items, in place, after files are read and ids are given.

    The validation and test interactions of the original task are left out first: a model of both
    tasks may then be tested on either. Features of users and items are dropped.
    """
    frame, user, item = dataset.inter_feat, dataset.uid_field, dataset.iid_field
    kept = frame[_in_training(dataset)]
    dataset.inter_feat = kept.assign(**{user: kept[item], item: kept[user]})
    for names in (dataset.field2id_token, dataset.field2token_id):
        names[user], names[item] = names[item], names[user]
    dataset.user_feat = dataset.item_feat = None
    dataset.feat_name_list = ["inter_feat"]


def _in_training(dataset: FlatOrder) -> NDArray[np.bool_]:
    """[N] bool, by row of the frame: the training part of the original task."""
    frame = dataset.inter_feat
    users = frame[dataset.uid_field].to_numpy(np.int64)
    order = chronological_order(users, frame[dataset.time_field].to_numpy(np.float64))
    store = SequenceStore.from_ordered(order, users, dataset.user_num, dataset.item_num)
    training = np.zeros(len(frame), dtype=np.bool_)
    training[order] = in_training(store, configured_split(dataset.config, store).train_end)
    return training
