"""Leave-one-out: the last item of a user is the test target, the one before it validation's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.store import IntArray, SequenceStore

NO_TARGET = -1


@dataclass(frozen=True)
class Split:
    """Where each user's training part ends and which items are held out.

    Attributes:
        train_end: [n_users], end (exclusive) of the user's training part in ``store.items``.
        valid, test: [n_users], place of the held-out item in ``store.items``, or -1.
    """

    train_end: IntArray
    valid: IntArray
    test: IntArray


def leave_one_out(store: SequenceStore, protocol: str = "paper", holdout: int = 1) -> Split:
    """Hold out the last two items of every user that is long enough.

    Args:
        holdout: hold out the last T items instead of the last one: the first of them is the test
            target, the one before it validation's, and the training part ends before both. Every
            length below is then T - 1 larger.
        protocol: ``paper``: users of 3 items or more have both targets, shorter ones only train.
            ``recbole``: as RecBole splits its prefixes: a user of 3 items has no validation target
            (the second item is trained on instead), shorter ones only train.
    """
    lengths, end = store.lengths, store.offsets[1:]
    tested = lengths >= holdout + 2
    validated = lengths >= holdout + (2 if protocol == "paper" else 3)
    return Split(
        train_end=end - holdout * tested - validated,
        valid=np.where(validated, end - holdout - 1, NO_TARGET),
        test=np.where(tested, end - holdout, NO_TARGET),
    )


def configured_split(config: Any, store: SequenceStore) -> Split:
    """The split that a run's keys ask for: the one that loaders and every count go by."""
    return leave_one_out(store, config["split_protocol"] or "paper", config["holdout"] or 1)


def train_lengths(store: SequenceStore, split: Split) -> IntArray:
    """[n_users] items of each user's training part."""
    return split.train_end - store.offsets[:-1]


def in_training(store: SequenceStore, train_end: IntArray) -> NDArray[np.bool_]:
    """[N] bool, by place in ``store.items``: whether the interaction is of a training part.

    Args:
        train_end: [n_users], as of :class:`Split`.
    """
    return store.before(train_end)
