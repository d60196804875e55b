"""Equal rows of integers, told by one number each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.store import IntArray


def row_numbers(rows: NDArray[np.integer]) -> IntArray:
    """[N, m] of integers >= 0 -> [N] the same number for equal rows, 0 and up."""
    numbers = np.zeros(len(rows), np.int64)
    for column in rows.T:
        column = column.astype(np.int64)
        pairs = numbers * (column.max(initial=0) + 1) + column
        numbers = np.unique(pairs, return_inverse=True)[1].reshape(-1)
    return numbers
