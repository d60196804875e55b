"""Lists in which no item is exposed beyond its share of consumption.

Item i may fill at most floor(c · consumption_i / Σ consumption · places) of all places. Places are
given out greedily, the (list, item) pairs of the highest probability first: a softmax over each
list's candidates makes scores of different lists comparable. Greedy matching reaches at least half
of the largest sum of probabilities that the candidates allow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recbole_ext.data.store import IntArray
from recbole_ext.nn.embedding import PAD

FloatArray = NDArray[np.float64]
CANDIDATES = 200  # of a list in a round; what it lacks then comes from items that are still open

# rows [R], how many, closed [V] -> items [R, n] and scores [R, n], best first, -inf: none left
Candidates = Callable[[IntArray, int, NDArray[np.bool_]], tuple[IntArray, FloatArray]]


def exposure_limits(consumption: IntArray, factor: float, places: int) -> IntArray:
    """[V] how many of ``places`` each item may fill; consumption [V] by item id, PAD's ignored."""
    consumed = consumption.astype(np.float64)
    consumed[PAD] = 0.0
    # Of 1 place exactly rounding must leave 1; a bound is never exceeded by that.
    exact = factor * places * (consumed / consumed.sum())
    limits: IntArray = np.floor(exact + 1e-9 * np.maximum(exact, 1.0)).astype(np.int64)
    return limits


def bounded_lists(
    best: Candidates, n_rows: int, k: int, limits: IntArray
) -> tuple[IntArray, FloatArray]:
    """[R, k] items and their scores, best first; -inf where no item is left for a place.

    Every round asks for candidates among the items that may still be given. A list that a round
    does not fill has seen all its candidates run out, so that rounds come to an end.
    """
    lists = _Lists(n_rows, k, limits)
    unfilled = np.arange(n_rows)
    width = min(max(CANDIDATES, 2 * k), len(limits) - 1)
    while len(unfilled) and lists.left[PAD + 1 :].any():
        items, scores = best(unfilled, width, lists.left == 0)
        lists.give(unfilled, items, scores)
        more = (scores > -np.inf).all(1) & (items.shape[1] == width)
        unfilled = unfilled[(lists.length[unfilled] < k) & more]
    return lists.items, lists.scores


class _Lists:
    """Lists being filled, and how often each item may still be given."""

    def __init__(self, n_rows: int, k: int, limits: IntArray) -> None:
        self.k = k
        self.left = limits.copy()
        self.length = np.zeros(n_rows, np.int64)
        self.items = np.full((n_rows, k), PAD, np.int64)
        self.scores = np.full((n_rows, k), -np.inf)

    def give(self, rows: IntArray, items: IntArray, scores: FloatArray) -> None:
        """Give places to the candidates of these rows, the most probable first."""
        share = log_softmax(scores)
        row, rank = np.nonzero(scores > -np.inf)
        order = np.lexsort((rank, row, -share[row, rank]))
        row, rank = row[order], rank[order]
        asked = zip(rows[row].tolist(), items[row, rank].tolist(), scores[row, rank].tolist(),
                    strict=True)  # fmt: skip
        for one, item, score in asked:
            place = self.length[one]
            if place < self.k and self.left[item] and item not in self.items[one, :place]:
                self.items[one, place], self.scores[one, place] = item, score
                self.length[one] = place + 1
                self.left[item] -= 1


def log_softmax(scores: FloatArray) -> FloatArray:
    """Of each row; rows of -inf alone stay so."""
    with np.errstate(invalid="ignore"):  # NaN where nothing is finite
        logs: FloatArray = special.log_softmax(scores, axis=1)
    return np.where(np.isneginf(scores), -np.inf, logs)
