"""Minimum counts of a user's and an item's interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbole_ext.data.prepare.log import Log
from recbole_ext.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def keep_core(log: Log, min_user: int = 0, min_item: int = 0) -> Log:
    """The largest part where every user and item has its minimum: dropped until nothing changes.

    min_user, min_item: interactions, >= 0; the same for both is the k-core.
    Raises DataError if nothing is left.
    """
    rows = np.arange(len(log))
    while True:
        enough = _enough(log.users[rows], min_user) & _enough(log.items[rows], min_item)
        if enough.all():
            break
        rows = rows[enough]
    if not len(rows):
        raise DataError(f"min_user={min_user}, min_item={min_item}: no interaction is left")
    return log if len(rows) == len(log) else _select(log, rows)


def _enough(codes: NDArray[np.int64], minimum: int) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = (np.bincount(codes) >= minimum)[codes]
    return enough


def _select(log: Log, rows: NDArray[np.int64]) -> Log:
    users, user_tokens = _compact(log.users[rows], log.user_tokens)
    items, item_tokens = _compact(log.items[rows], log.item_tokens)
    ratings = None if log.ratings is None else log.ratings[rows]
    return Log(users, items, log.timestamps[rows], user_tokens, item_tokens, ratings)


def _compact(codes: NDArray[np.int64], tokens: list[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Codes without gaps, and the tokens that are left."""
    used, compact = np.unique(codes, return_inverse=True)
    return compact, [tokens[code] for code in used.tolist()]
