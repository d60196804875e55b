"""The lists that the users of the test part would have got before the test item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbole_ext.data.store import IntArray
from recbole_ext.inference.recommend import best_items
from recbole_ext.inference.scorer import Scorer, store_of
from recbole_ext.inference.sequences import Sequences
from recbole_ext.nn.embedding import PAD

if TYPE_CHECKING:
    from recbole_ext.runner import Run


def tested_sequences(run: Run) -> Sequences:
    """What is known of each user of the test part, in the loader's order."""
    histories = store_of(run).cut(run.loaders.split.test)
    return Sequences(histories, run.loaders.test.rows.users, known=True)


def tested_scorer(run: Run) -> Scorer:
    """For :func:`tested_sequences`: they have no further columns."""
    return Scorer(run, known=True, rolls_out=True)


def top_lists(
    scorer: Scorer, sequences: Sequences, k: int, exclude_seen: bool, batch_size: int
) -> IntArray:
    """[R, k] item ids, the best first; PAD where none is left."""
    items, scores = best_items(scorer, sequences, k, exclude_seen, batch_size)
    return np.where(scores > -np.inf, items, PAD)
