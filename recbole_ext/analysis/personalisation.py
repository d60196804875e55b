"""Users with the same history, and whether they get the same list.

A model that knows nothing of users but their items gives equal lists to equal histories ('no
personalisation', arXiv 2504.09596). How many users that concerns is a matter of the data: how many
share their newest m items with another. What a user embedding changes for them is a matter of the
model: how much less their lists overlap than those of one and the same user would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.row_numbers import row_numbers
from recbole_ext.data.rows import Rows
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.evaluation.statistics import whole_jaccard
from recbole_ext.nn.embedding import PAD

LENGTHS = (1, 2, 3, 5, 10)
SEED = 0


def lengths_of(window: int) -> list[int]:
    """The numbers m of newest items that are looked at: the whole window is the last."""
    return [m for m in LENGTHS if m < window] + [window]


def groups_of(store: SequenceStore, rows: Rows, m: int) -> IntArray:
    """[R] the same number for histories whose newest ``m`` items are the same, in order.

    A history of fewer items is compared as a whole: it equals none that has more.
    """
    place = rows.end[:, None] - m + np.arange(m)
    real = place >= np.maximum(rows.start, rows.end - m)[:, None]
    return row_numbers(np.where(real, store.items[np.maximum(place, 0)], PAD))


def shared(groups: IntArray) -> NDArray[np.bool_]:
    """[R] whether another has the same number."""
    return np.asarray(np.bincount(groups)[groups] > 1)


def partners(groups: IntArray, rng: np.random.Generator) -> IntArray:
    """[P, 2] every member of a group of two or more beside another of it, drawn at random.

    Each group stands in a ring in random order, and each member beside the next.
    """
    drawn = rng.permutation(len(groups))
    order = drawn[np.argsort(groups[drawn], kind="stable")]
    sizes = np.bincount(groups)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)  # where each one's group begins
    place = np.arange(len(order)) - first
    following = first + (place + 1) % sizes[groups[order]]
    pairs = np.stack([order, order[following]], 1)
    return pairs[pairs[:, 0] != pairs[:, 1]]


def sharing(
    store: SequenceStore, rows: Rows, window: int, lists: IntArray | None = None
) -> list[dict[str, Any]]:
    """For each m: how many of the histories of ``rows`` are another's too.

    Args:
        rows: R histories, of ``window`` items at the most.
        lists: [R, k] what each got; ``overlap`` is then the mean Jaccard overlap of a user's list
            and that of another with the same newest m items.
    """
    found = []
    for m in lengths_of(window):
        groups = groups_of(store, rows, m)
        sizes = np.bincount(groups)
        mine = shared(groups)
        one = {
            "last": m,
            "users": int(mine.sum()),
            "share": float(mine.mean()),
            "groups": int((sizes > 1).sum()),
            "largest_group": int(sizes.max()),
        }
        found.append(one if lists is None else {**one, "overlap": overlap(lists, groups)})
    return found


def overlap(lists: IntArray, groups: IntArray) -> float | None:
    """Mean Jaccard overlap of lists [R, k] of the same group; None where no group has two."""
    pairs = partners(groups, np.random.default_rng(SEED))
    return whole_jaccard(lists, pairs) if len(pairs) else None


def random_overlap(lists: IntArray) -> float | None:
    """The same of users whose histories have nothing to do with each other."""
    return overlap(lists, np.zeros(len(lists), np.int64))


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A data set, or a run on it, as text."""
    from tabulate import tabulate

    whole = found["window"]
    rows = [
        [
            f"{one['last']} (window)" if one["last"] == whole else str(one["last"]),
            f"{one['users']:,}", f"{100 * one['share']:.2f} %",
            f"{one['groups']:,}", f"{one['largest_group']:,}",
            *([_number(one["overlap"])] if "overlap" in one else []),
        ]
        for one in found["sharing"]
    ]  # fmt: skip
    headers = ["newest items", "users", "share", "groups", "largest"]
    if "k" in found:
        headers.append(f"overlap of top {found['k']}")
        yield (
            f"{found['model']} on {found['dataset']} ({found['run']}): users whose newest items "
            "are another's too"
        )
    else:
        yield f"{found['dataset']}: users whose newest items are another's too"
    yield f"{found['users']:,} test users, windows of {whole} items"
    yield tabulate(rows, headers, disable_numparse=True, colalign=["right"] * len(headers))
    if "k" in found:
        yield f"overlap of random users: {_number(found['random_overlap'])}"


LEGEND = (
    "users: those who share their newest items, in order, with another; shorter histories are "
    "compared whole. overlap: mean |A and B| / |A or B| of the lists of two such users, seen items "
    "kept; 1 for the whole window where a model knows nothing of users but their items."
)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
