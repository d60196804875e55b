"""Tenths of the items by popularity: one order for every table that has them."""

from __future__ import annotations

import numpy as np

from recbole_ext.data.store import IntArray
from recbole_ext.nn.embedding.padding import PAD

DECILES = 10


def popularity_deciles(consumption: IntArray) -> IntArray:
    """[V] 1 (the least consumed tenth of the items) to 10; PAD's is 0. Ties are cut by item id."""
    n = len(consumption) - 1
    order = np.argsort(consumption[PAD + 1 :], kind="stable")
    deciles = np.zeros(n + 1, dtype=np.int64)
    deciles[order + 1] = np.arange(n) * DECILES // n + 1
    return deciles
