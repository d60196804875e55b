"""From the users of an item to a vector of the item."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.dropout import Dropout
from recbole_ext.nn.encoder import Encoder


class DualEncoder(nn.Module):
    """i' = W · encoder(u_1 + p(m), ..., u_m + p(1)) at the newest user; p counts from the end.

    Args:
        encoder: mixes the users; takes up to ``max_users`` of them.
        size: width of a user's vector.
        item_size: width of an item's.
        max_users: rows of the position table.
        dropout: of the sums of vector and position.
        std: standard deviation of the initial positions.
    """

    def __init__(
        self,
        encoder: Encoder,
        size: int,
        item_size: int,
        max_users: int,
        dropout: float,
        std: float,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.positions = nn.Parameter(torch.empty(max_users, size).normal_(std=std))
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(size, item_size)

    def forward(self, vectors: Tensor, keep: Tensor) -> Tensor:
        """User vectors [k, w, d], right-aligned, and which are real [k, w] -> [k, item_size]."""
        x = self.dropout(vectors + self.positions[-vectors.shape[1] :]) * keep.unsqueeze(-1)
        item: Tensor = self.output(self.encoder(x, keep, last_only=True).squeeze(1))
        return item
