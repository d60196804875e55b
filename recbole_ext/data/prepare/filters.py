"""What of a log is kept: a time window, one of repeated pairs, minimum counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.settings import Filters
from recbole_ext.data.prepare.times import LARGEST_SECONDS
from recbole_ext.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def apply_filters(log: Log, filters: Filters) -> Log:
    """The interactions that stay, in the log's order. Raises DataError if none does."""
    if filters.since or filters.until:
        log = within(log, *filters.window)
    if filters.duplicates != "keep":
        log = unique_pairs(log, filters.duplicates)
    keep = keep_core if filters.min_mode == "core" else keep_once
    return keep(log, filters.min_user, filters.min_item)


def within(log: Log, since: float, until: float) -> Log:
    """The interactions with since <= time < until, both in seconds.

    Raises DataError if none is left, or if the timestamps are no seconds.
    """
    if not log.timed:
        raise DataError("since, until: this format has no times, only an order")
    if log.timestamps.max() > LARGEST_SECONDS:
        largest = f"{log.timestamps.max():.0f}"
        raise DataError(f"since, until: time {largest} is not in seconds; give --time_unit")
    kept = (log.timestamps >= since) & (log.timestamps < until)
    if not kept.any():
        raise DataError("since, until: no interaction is left")
    return _select(log, np.flatnonzero(kept))


def unique_pairs(log: Log, which: str) -> Log:
    """Of a user's interactions with one item only the first, or the last, in time.

    Of those at the same time the first, or the last, in the log's order.
    """
    order = np.lexsort((log.timestamps, log.items, log.users))  # stable
    users, items = log.users[order], log.items[order]
    changes = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
    border = np.insert(changes, 0, True) if which == "first" else np.append(changes, True)
    return _select(log, np.sort(order[border]))


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
    return _left(log, rows, min_user, min_item)


def keep_once(log: Log, min_user: int = 0, min_item: int = 0) -> Log:
    """The interactions whose user and item have their minimum in the whole log, as in SASRec.

    A user or item may keep fewer. Raises DataError if nothing is left.
    """
    enough = _enough(log.users, min_user) & _enough(log.items, min_item)
    return _left(log, np.flatnonzero(enough), min_user, min_item)


def _enough(codes: NDArray[np.int64], minimum: int) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = (np.bincount(codes) >= minimum)[codes]
    return enough


def _left(log: Log, rows: NDArray[np.int64], min_user: int, min_item: int) -> Log:
    if not len(rows):
        raise DataError(f"min_user={min_user}, min_item={min_item}: no interaction is left")
    return _select(log, rows)


def _select(log: Log, rows: NDArray[np.int64]) -> Log:
    if len(rows) == len(log):
        return log
    users, user_tokens = _compact(log.users[rows], log.user_tokens)
    items, item_tokens = _compact(log.items[rows], log.item_tokens)
    ratings = None if log.ratings is None else log.ratings[rows]
    return Log(users, items, log.timestamps[rows], user_tokens, item_tokens, ratings, log.timed)


def _compact(codes: NDArray[np.int64], tokens: list[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Codes without gaps, and the tokens that are left."""
    used = np.bincount(codes, minlength=len(tokens)) > 0
    compact = np.cumsum(used) - 1
    return compact[codes], [tokens[code] for code in np.flatnonzero(used).tolist()]
