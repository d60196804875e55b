"""What each position has read, and which draws of negatives lie in it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ext.nn.embedding import PAD


@dataclass(frozen=True)
class Histories:
    """The items that P positions have read.

    Attributes:
        inputs: [B, w] ids, PAD where there is none.
        row: [P] the row of each position.
        newest: [P] the last slot that it reads; it has read all slots up to it.
    """

    inputs: Tensor
    row: Tensor
    newest: Tensor

    def hold(self, ids: Tensor) -> Tensor:
        """[P, N] bool: the position has read that item; ``ids`` is [N] or [P, N]."""
        return self._hold_shared(ids) if ids.dim() == 1 else self._hold_own(ids)

    def _hold_shared(self, ids: Tensor) -> Tensor:
        """By the first slot of each row that holds an id, so that nothing is [P, N, w]."""
        distinct, place_of = ids.unique(return_inverse=True)
        if not len(distinct):
            return ids.new_zeros((len(self.row), 0), dtype=torch.bool)
        rows, width = self.inputs.shape
        place = torch.searchsorted(distinct, self.inputs).clamp(max=len(distinct) - 1)  # [B, w]
        slots = torch.arange(width, device=ids.device).expand(rows, width)
        slots = slots.masked_fill(distinct[place] != self.inputs, width)
        first = slots.new_full((rows, len(distinct)), width).scatter_reduce(1, place, slots, "amin")
        return first[:, place_of][self.row] <= self.newest.unsqueeze(1)

    def _hold_own(self, ids: Tensor) -> Tensor:
        width = self.inputs.shape[1]
        read = torch.arange(width, device=ids.device) <= self.newest.unsqueeze(1)
        history = torch.where(read, self.inputs[self.row], PAD)  # [P, w]
        return (ids.unsqueeze(2) == history.unsqueeze(1)).any(2)
