"""Batches: rows of similar length, gathered from the flat array and trimmed to their longest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.rows import Rows
from recbole_ext.data.store import IntArray, SequenceStore

# Columns beyond RecBole's own. A stock RecBole loader lacks them; a model then takes a row for what
# it is there: one prefix whose newest position bears loss, all rows weighing the same.
TARGET_COUNT = "target_count"
TARGET_WEIGHT = "target_weight"
NEWEST_ROW = "newest_row"  # whether its target is the user's newest training item
MARKS = (TARGET_COUNT, TARGET_WEIGHT, NEWEST_ROW)

# Lengths are blurred by this share before rows are sorted into batches, so that equal company is
# not kept epoch after epoch.
LENGTH_BLUR = 0.1


@dataclass(frozen=True)
class FieldNames:
    """How the columns of a batch are called (RecBole's ``*_FIELD`` keys)."""

    user: str
    item: str
    item_list: str
    length: str
    list_suffix: str

    @classmethod
    def from_config(cls, config: Any) -> FieldNames:
        item, suffix = config["ITEM_ID_FIELD"], config["LIST_SUFFIX"]
        length = config["ITEM_LIST_LENGTH_FIELD"]
        return cls(config["USER_ID_FIELD"], item, item + suffix, length, suffix)


def batches_by_length(
    lengths: IntArray, batch_size: int, rng: np.random.Generator
) -> list[IntArray]:
    """Random batches of rows of similar length, in random order; each row is in exactly one."""
    blurred = lengths * (1.0 + LENGTH_BLUR * rng.random(len(lengths)))
    order = np.argsort(blurred, kind="stable")
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def batches_of_equal_length(
    lengths: IntArray, batch_size: int, rng: np.random.Generator | None
) -> list[IntArray]:
    """Batches that hold rows of one length only: nothing is padded; each row is in exactly one.

    Args:
        rng: shuffles the rows of a length and the batches; None: in order, the shortest first.
    """
    shuffled = np.arange(len(lengths)) if rng is None else rng.permutation(len(lengths))
    order = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    alike = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    batches = [rows[i : i + batch_size] for rows in alike for i in range(0, len(rows), batch_size)]
    return batches if rng is None else [batches[i] for i in rng.permutation(len(batches))]


def count_of_equal_length(lengths: IntArray, batch_size: int) -> int:
    """How many batches :func:`batches_of_equal_length` makes."""
    return int((-(-np.bincount(lengths) // batch_size)).sum())


def batches_in_order(n_rows: int, batch_size: int) -> Iterator[IntArray]:
    """Consecutive rows."""
    for first in range(0, n_rows, batch_size):
        yield np.arange(first, min(first + batch_size, n_rows))


def gather(
    store: SequenceStore, rows: Rows, picked: IntArray, names: FieldNames, width: int | None = None
) -> Interaction:
    """The picked rows as RecBole's Interaction, left-aligned, padded with 0.

    Args:
        picked: [B] row numbers.
        width: width of the sequences; the longest picked row where absent.

    Returns:
        user id [B], item id [B] (the target), item list [B, w], item length [B]; the store's
        further columns likewise; and, for rows that train all positions, the number of positions
        that bear loss [B].
    """
    start, end = rows.start[picked], rows.end[picked]
    lengths = end - start
    width = int(lengths.max()) if width is None else width
    places = start[:, None] + np.arange(width)
    real = places < end[:, None]
    np.minimum(places, len(store.items) - 1, out=places)
    batch = {
        names.user: torch.from_numpy(rows.users[picked]),
        names.item: torch.from_numpy(store.items[end]),
        names.item_list: torch.from_numpy(np.where(real, store.items[places], 0)),
        names.length: torch.from_numpy(lengths),
    }
    columns: dict[str, Tensor] = {}
    for name, values in store.columns.items():
        if name not in (*batch, *MARKS):  # as in RecBole, a file's column does not stand for ours
            columns[name] = torch.from_numpy(values[end])
            columns[name + names.list_suffix] = _padded(values, places, real)
    if rows.all_positions:
        batch[TARGET_COUNT] = torch.from_numpy(lengths + rows.cloze)
    return Interaction(batch | columns | batch)


def _padded(values: np.ndarray, places: IntArray, real: np.ndarray) -> Tensor:
    """``values`` [N, ...] gathered at ``places`` [B, w], 0 where not ``real``."""
    mask = real.reshape(real.shape + (1,) * (values.ndim - 1))
    return torch.from_numpy(np.where(mask, values[places], np.zeros((), values.dtype)))
