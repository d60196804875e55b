"""Attention that depends on positions alone: one weight matrix serves the whole batch.

With A independent of the items, padding changes only the normaliser:

    A V = (E · (keep * V)) / (E · keep),   E_ij = exp(S_ij - S_ii) for j <= i

(FPARec, arXiv 2407.02793). E is formed once per step, so nothing of shape [B, h, n, n] exists.
Since E_ii = 1, the denominator is at least 1 on every real row.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer, MixerSpec, visible_keys

# exp(60) leaves float32 room to sum 10^6 keys times values of 10^6; a trained S stays far below
# it.
LARGEST_EXPONENT = 60.0


class PositionOnlyMixer(Mixer):
    """Softmax over scores S that depend on (query slot, key slot) alone."""

    learned_scores = True

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.scale = 1.0 / math.sqrt(spec.head_size) if self.learned_scores else 1.0
        if spec.unused_qk_projections:
            self.unused_query = nn.Linear(spec.hidden_size, spec.hidden_size)
            self.unused_key = nn.Linear(spec.hidden_size, spec.hidden_size)

    @abstractmethod
    def scores(self, queries: int, width: int) -> Tensor:
        """S before scaling, [h, q, w]: the last ``queries`` rows of the lower-right w x w block."""

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        width = x.shape[1]
        queries = 1 if last_only else width
        shares = self.shares(queries, width)  # E [h, q, w], not yet masked
        visible = visible_keys(width, queries, self.spec.causal, x.device)
        masked = shares * visible
        value = self.value(values)  # [B, w, d]
        kept = value * keep.unsqueeze(-1)
        mixed = self._shared_product(self.dropout(masked), kept)  # [B, h, q, d/h]
        normaliser = self.normaliser(shares if self.spec.mask_after_softmax else masked, keep)
        return self.finish(mixed / normaliser, value, keep)

    def shares(self, queries: int, width: int) -> Tensor:
        """E [h, q, w]: exp(S) relative to each row's own slot."""
        scores = self.scores(queries, width) * self.scale
        own = scores.diagonal(offset=width - queries, dim1=-2, dim2=-1).unsqueeze(-1)
        return (scores - own).clamp(max=LARGEST_EXPONENT).exp()

    def normaliser(self, shares: Tensor, keep: Tensor) -> Tensor:
        """Sum of the shares of the real keys, [B, h, q, 1]; 1 where it is 0 (a padded row)."""
        total = torch.einsum("hqw,bw->bhq", shares, keep.to(shares.dtype)).unsqueeze(-1)
        return torch.where(total > 0, total, torch.ones_like(total))

    def weights(self, x: Tensor, keep: Tensor, values: Tensor | None = None) -> Tensor:
        return self.matrices(keep)

    def matrices(self, keep: Tensor) -> Tensor:
        """keep [B, w] -> the attention matrices A [B, h, w, w], which depend on nothing else."""
        width = keep.shape[1]
        shares = self.shares(width, width)
        masked = shares * visible_keys(width, width, self.spec.causal, keep.device)
        total = self.normaliser(shares if self.spec.mask_after_softmax else masked, keep)
        real = keep[:, None, None, :] & keep[:, None, :, None]
        return masked.unsqueeze(0) / total * real

    def _shared_product(self, shares: Tensor, value: Tensor) -> Tensor:
        """[h, q, w] x [B, w, d] -> [B, h, q, d/h] as h large products instead of B*h small ones."""
        heads, queries, width = shares.shape
        batch = value.shape[0]
        by_head = self.split_heads(value).permute(1, 2, 0, 3).reshape(heads, width, -1)
        mixed = torch.bmm(shares, by_head)  # [h, q, B * d/h]
        return mixed.view(heads, queries, batch, -1).permute(2, 0, 1, 3)
