"""Input vectors of right-aligned sequences: item, slot and user."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from recbole_ext.nn.dropout import Dropout
from recbole_ext.nn.embedding.items import ItemEncoder
from recbole_ext.nn.embedding.shared import RandomReplacement
from recbole_ext.nn.embedding.users import UserEmbedding


class SequenceEmbedding(nn.Module):
    """[e(i)·√d_i ; u·√d_u] (+ p(slot)), dropout; zero at padding.

    Two defects can be brought back, to be measured: ``position_at_padding``, and a learned PAD row
    (``items.learned_padding``). With either, padded slots are not zeroed.

    Args:
        items: from ids to vectors of width d_i.
        max_length: n, rows of the position table.
        learned_positions: add a learned embedding of the slot, counted from the sequence's end.
        scale: multiply each embedding by the root of its width, at the input (never at the output).
        norm: LayerNorm after the sum, as post-norm Transformers have it.
        users: vectors of width d_u, put behind every item's (SSE-PT); d = d_i + d_u.
        replace_items: stochastic shared embeddings of items.
        position_at_padding: padded slots hold p(slot) too.
    """

    def __init__(
        self,
        items: ItemEncoder,
        max_length: int,
        learned_positions: bool,
        scale: bool,
        dropout: float,
        norm: nn.Module | None = None,
        users: UserEmbedding | None = None,
        replace_items: RandomReplacement | None = None,
        position_at_padding: bool = False,
    ) -> None:
        super().__init__()
        self.items, self.users = items, users
        size = items.size + (users.size if users is not None else 0)
        self.positions = nn.Embedding(max_length, size) if learned_positions else None
        self.position_at_padding = position_at_padding
        self.scale = scale
        self.norm = norm
        self.dropout = Dropout(dropout)
        self.replace_items = replace_items or RandomReplacement(items.n_items)

    def forward(self, item_seq: Tensor, keep: Tensor, user: Tensor | None = None) -> Tensor:
        """item_seq [B, w] right-aligned ids, keep [B, w], user ids [B] -> [B, w, d].

        ``user`` is read where there are vectors of users; without it they are unknown ones.
        """
        x = self._scaled(self.items(self.replace_items(item_seq)))
        if self.users is not None:
            ids = item_seq.new_zeros(len(item_seq)) if user is None else user
            vectors = self._scaled(self.users.inputs(ids))
            x = torch.cat([x, vectors.unsqueeze(1).expand(-1, x.shape[1], -1)], -1)
        if self.positions is not None:
            x = x + self._slots(self.positions.weight, keep)
        if self.norm is not None:
            x = self.norm(x)
        dropped: Tensor = self.dropout(x)
        return dropped if self._fills_padding else dropped * keep.unsqueeze(-1)

    @property
    def _fills_padding(self) -> bool:
        return self.position_at_padding or self.items.learned_padding

    def _slots(self, table: Tensor, keep: Tensor) -> Tensor:
        """p of the newest w slots, [w, d]; [B, w, d] where padded slots are to have none."""
        slots = table[-keep.shape[1] :]
        if self._fills_padding and not self.position_at_padding:
            return slots * keep.unsqueeze(-1)
        return slots

    def _scaled(self, vectors: Tensor) -> Tensor:
        return vectors * (math.sqrt(vectors.shape[-1]) if self.scale else 1.0)

    @torch.no_grad()
    def initialize(self, std: float) -> None:
        """Normal rows of standard deviation ``std``; PAD rows zero."""
        self.items.initialize(std)
        if self.positions is not None:
            nn.init.normal_(self.positions.weight, std=std)
        if self.users is not None:
            self.users.initialize(std)
