"""Item and position embeddings of right-aligned sequences."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from recbole_ext.nn.dropout import Dropout

PAD = 0


class SequenceEmbedding(nn.Module):
    """e(i)·√d (+ p(slot)), dropout; zero at padding.

    Args:
        n_items: rows of the item table, PAD (id 0, a zero row that stays zero) included.
        hidden_size: d.
        max_length: n, rows of the position table.
        learned_positions: add a learned embedding of the slot, counted from the sequence's end.
        scale: multiply item embeddings by √d at the input (never at the output).
        norm: LayerNorm after the sum, as post-norm Transformers have it.
    """

    def __init__(
        self,
        n_items: int,
        hidden_size: int,
        max_length: int,
        learned_positions: bool,
        scale: bool,
        dropout: float,
        norm: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items, hidden_size, padding_idx=PAD)
        self.positions = nn.Embedding(max_length, hidden_size) if learned_positions else None
        self.scale = math.sqrt(hidden_size) if scale else 1.0
        self.norm = norm
        self.dropout = Dropout(dropout)

    def forward(self, item_seq: Tensor, keep: Tensor) -> Tensor:
        """item_seq [B, w] right-aligned ids, keep [B, w] -> [B, w, d]."""
        x = self.items(item_seq) * self.scale
        if self.positions is not None:
            x = x + self.positions.weight[-item_seq.shape[1] :]
        if self.norm is not None:
            x = self.norm(x)
        return self.dropout(x) * keep.unsqueeze(-1)

    @torch.no_grad()
    def initialize(self, std: float) -> None:
        """Normal rows of standard deviation ``std``; the PAD row zero."""
        nn.init.normal_(self.items.weight, std=std)
        self.items.weight[PAD].zero_()
        if self.positions is not None:
            nn.init.normal_(self.positions.weight, std=std)
