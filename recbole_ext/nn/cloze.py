"""Cloze training (BERT4Rec, arXiv 1904.06690, Section 3.5): items hidden, to be named again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ext.nn.embedding import PAD


@dataclass(frozen=True)
class Cloze:
    """Which items of a sequence are hidden behind [MASK], in training and for a prediction.

    All random numbers come from torch's global generator, as dropout's do: its state is part of a
    checkpoint, so a resumed run hides the same items.

    Attributes:
        mask_token: the id of [MASK].
        mask_ratio: share r of a sequence's items that is hidden. Of L items ⌊rL + u⌋ are, u uniform
            on [0, 1), and at least one: max(1, rL) on average.
        mask_last_prob: with this probability the last item alone is hidden instead, as it is when
            the next item is asked for.
    """

    mask_token: int
    mask_ratio: float
    mask_last_prob: float = 0.0

    def hide(self, item_seq: Tensor) -> tuple[Tensor, Tensor]:
        """Right-aligned ids [B, w] -> the same with [MASK] in places, and the places, [B, w]."""
        real = item_seq != PAD
        last = torch.zeros_like(real)
        last[:, -1] = real[:, -1]
        last_alone = torch.rand(len(real), 1, device=real.device) < self.mask_last_prob
        hidden = torch.where(last_alone, last, self._random_share(real))
        return item_seq.masked_fill(hidden, self.mask_token), hidden

    def ask_next(self, item_seq: Tensor) -> Tensor:
        """Right-aligned ids [B, w] -> [B, w + 1], [MASK] in the place of the item to come."""
        mask = item_seq.new_full((len(item_seq), 1), self.mask_token)
        return torch.cat([item_seq, mask], dim=1)

    def expected_hidden(self, lengths: Tensor) -> Tensor:
        """[B] items in each sequence -> how many of them are hidden on average, [B]."""
        share = (self.mask_ratio * lengths).clamp(min=1.0)
        return self.mask_last_prob + (1.0 - self.mask_last_prob) * share

    def _random_share(self, real: Tensor) -> Tensor:
        """real [B, w] bool -> [B, w] bool, the share of each row's real slots; at least one."""
        lengths = real.sum(1, keepdim=True)
        rounding = torch.rand(lengths.shape, dtype=torch.float64, device=real.device)
        counts = (self.mask_ratio * lengths + rounding).floor().clamp(min=1.0)
        order = torch.rand(real.shape, device=real.device).masked_fill(~real, 2.0)
        return real & (order.argsort(1).argsort(1) < counts)
