"""Which position an item gets for which prediction, in each form of training.

A user's training part i_1 ... i_t has t - 1 predictions; the one of i_{m+1} reads i_1 ... i_m. The
corrected form embeds item i_j at position m - j + 1, the newest always at 1 (arXiv 2504.09596,
section 3). Forms:

- ``absolute packed``: one row i_1 ... i_{t-1}, absolute slots: i_j is at t - j every time.
- ``corrected exact``: a row for every prefix, at the positions of its own.
- ``relative packed``: one row, the position enters through the distance to the prediction alone.

Of longer users the packed forms (``long_sequences: truncate``) read one window, the newest
``max_length`` items; the exact form one such window for every prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recbole_ext.data.store import IntArray

ABSOLUTE, CORRECTED, RELATIVE = FORMS = ("absolute packed", "corrected exact", "relative packed")


@dataclass(frozen=True)
class Audit:
    """What a form makes of all (item, prediction) pairs of a data set.

    Attributes:
        form: one of :data:`FORMS`.
        predictions: targets that bear loss.
        pairs: (item, prediction) pairs that the form reads.
        differing: of them, those at another position than in the corrected form.
        unread: pairs of the corrected form that this form never reads (long users' oldest items).
    """

    form: str
    predictions: int
    pairs: int
    differing: int
    unread: int


def positions(form: str, n_inputs: int, max_length: int) -> IntArray:
    """[n_inputs, n_inputs] the position of item j (column) for the prediction after item m (row).

    0: the prediction does not read the item.
    """
    m, j = np.arange(1, n_inputs + 1)[:, None], np.arange(1, n_inputs + 1)
    relative = m - j + 1
    read = (relative >= 1) & (relative <= max_length)
    if form != CORRECTED:
        read &= j > n_inputs - max_length  # the one window
    placed = n_inputs - j + 1 if form == ABSOLUTE else relative
    return np.where(read, placed, 0)


def audit(train_lengths: IntArray, max_length: int) -> list[Audit]:
    """Counts over users with ``train_lengths`` [U] training items, in closed form.

    With w = min(t - 1, max_length) inputs in the one window, the packed forms read w (w + 1) / 2
    pairs. All w items have another absolute position than the corrected one for each prediction
    but the last: w (w - 1) / 2 pairs.
    """
    inputs = np.maximum(np.asarray(train_lengths, dtype=np.int64) - 1, 0)
    window = np.minimum(inputs, max_length)
    packed = int((window * (window + 1) // 2).sum())
    exact = packed + int(((inputs - window) * max_length).sum())
    wrong = int((window * (window - 1) // 2).sum())
    n_packed, n_exact = int(window.sum()), int(inputs.sum())
    return [
        Audit(ABSOLUTE, n_packed, packed, wrong, exact - packed),
        Audit(CORRECTED, n_exact, exact, 0, 0),
        Audit(RELATIVE, n_packed, packed, 0, exact - packed),
    ]
