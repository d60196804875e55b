"""Codes out of what is known of items: one a column of the ``.item`` file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recbole_ext.data.item_columns import ItemColumn
from recbole_ext.data.store import IntArray


def attribute_codes(columns: Sequence[ItemColumn], n_bins: int) -> IntArray:
    """[n_items, number of columns]; items that agree in a column share its code.

    A code stands for a token, or for a whole list of them (a film's set of genres), or for one of
    ``n_bins`` equally filled intervals of a number; several numbers make one list of intervals.
    """
    return np.stack([_codes(column, n_bins) for column in columns], 1)


def _codes(column: ItemColumn, n_bins: int) -> IntArray:
    values = column.values.numpy()
    if column.n_values is None:
        values = np.stack([_binned(numbers, n_bins) for numbers in values.T], 1)
    elif values.shape[1] > 1:
        values = np.sort(values, 1)  # a set has no order
    _, codes = np.unique(values, axis=0, return_inverse=True)
    return codes.reshape(-1).astype(np.int64)


def _binned(numbers: np.ndarray, n_bins: int) -> IntArray:
    edges = np.quantile(numbers[1:], np.arange(1, n_bins) / n_bins)
    return np.searchsorted(np.unique(edges), numbers, side="right").astype(np.int64)
