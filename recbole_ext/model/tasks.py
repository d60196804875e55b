"""What a training batch asks of a model, under either direction.

A row is a window of a user's items and the item after it (``data/rows.py``). Left to right (AR)
each item of the window is to name the next. Cloze training (AE) takes window and next item as one
sequence, hides some of it and asks for what is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ext.nn.cloze import Cloze
from recbole_ext.nn.embedding import PAD
from recbole_ext.nn.histories import Histories


@dataclass(frozen=True)
class Rows:
    """The rows of a batch.

    Attributes:
        item_seq: [B, w] windows, right-aligned.
        newest: [B] the item after each.
        count: [B] how many positions of each bear loss; None where each is one prefix, whose newest
            position alone does (RecBole's loaders).
        weight: [B] weight of each position of a row; None for the batch's mean.
    """

    item_seq: Tensor
    newest: Tensor
    count: Tensor | None = None
    weight: Tensor | None = None


@dataclass(frozen=True)
class Task:
    """P items to be named.

    Attributes:
        inputs: [B, w] ids to encode.
        asked: [B, w] bool, the slots whose items are wanted; None: the newest slot of every row.
        targets: [P] the items, in the order of the slots.
        weights: [P], or None for the mean.
    """

    inputs: Tensor
    asked: Tensor | None
    targets: Tensor
    weights: Tensor | None

    def histories(self, causal: bool) -> Histories:
        """What each of the P items is to be named from: all inputs, or those up to its slot."""
        rows, width = self.inputs.shape
        if self.asked is None:
            row = torch.arange(rows, device=self.inputs.device)
        else:
            row = row_of(self.asked)
        newest = torch.full_like(row, width - 1)
        if causal and self.asked is not None:
            newest = self.asked.nonzero()[:, 1]
        return Histories(self.inputs, row, newest)


def next_items(rows: Rows) -> Task:
    """AR: every position that bears loss is to name the item after it."""
    if rows.count is None:
        return Task(rows.item_seq, None, rows.newest, rows.weight)
    asked = newest_slots(rows.count, rows.item_seq)
    shifted = torch.cat([rows.item_seq[:, 1:], rows.newest.unsqueeze(1)], dim=1)
    weights = None if rows.weight is None else rows.weight[row_of(asked)]
    return Task(rows.item_seq, asked, shifted[asked], weights)


def hidden_items(rows: Rows, cloze: Cloze, max_length: int) -> Task:
    """AE: the newest ``max_length`` items of window and next item, some of them hidden.

    A row's weight, ``weight`` times its positions that bear loss, is spread evenly over the slots
    that are hidden on average. So, as under AR, every item weighs the same over an epoch, be its
    sequence short or long and its batch full or not; what a draw hides more, weighs more.
    """
    whole = torch.cat([rows.item_seq, rows.newest.unsqueeze(1)], dim=1)[:, -max_length:]
    inputs, hidden = cloze.hide(whole)
    count = torch.ones_like(rows.newest) if rows.count is None else rows.count
    weight = 1.0 / count.sum() if rows.weight is None else rows.weight
    per_slot = weight * count / cloze.expected_hidden((whole != PAD).sum(1))  # [B]
    return Task(inputs, hidden, whole[hidden], per_slot[row_of(hidden)])


def newest_slots(count: Tensor, item_seq: Tensor) -> Tensor:
    """[B, w] bool: the newest ``count`` [B] real positions of each row."""
    width = item_seq.shape[1]
    slots = torch.arange(width, device=item_seq.device)
    return (slots >= width - count.unsqueeze(1)) & (item_seq != PAD)


def row_of(slots: Tensor) -> Tensor:
    """[P] the row of each true slot of [B, w]."""
    return slots.nonzero()[:, 0]
