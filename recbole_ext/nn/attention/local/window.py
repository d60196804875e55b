"""Hard window: a local head sees the slots at most w away (LOCKER's local window)."""

from __future__ import annotations

import torch
from torch import Tensor

from recbole_ext.nn.attention.local.base import LocalScores


class Window(LocalScores):
    """|i - j| <= w, and the mixer's causal mask. Nothing is learned; LOCKER has w = 2."""

    uses_window = True

    def forward(self, scores: Tensor, value: Tensor) -> Tensor:
        queries, width = scores.shape[-2:]
        slots = torch.arange(width, device=scores.device)
        far = (slots[-queries:, None] - slots[None, :]).abs() > self.spec.local_window
        return scores.masked_fill(far, float("-inf"))
