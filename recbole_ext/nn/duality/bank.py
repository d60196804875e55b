"""A memory of vectors that ordinary forward passes leave behind."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VectorBank(nn.Module):
    """The last vector written for each id. Not trained, saved with the model.

    So a user's vector costs nothing: it is as old as the user's last batch, an epoch at most.

    Attributes:
        vectors: [n, d], zero where nothing has been written.
        known: [n] bool, what has been.
    """

    vectors: Tensor
    known: Tensor

    def __init__(self, n_rows: int, size: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(n_rows, size))
        self.register_buffer("known", torch.zeros(n_rows, dtype=torch.bool))

    def forward(self, ids: Tensor) -> Tensor:
        """Ids of any shape [...] -> [..., d]."""
        return self.vectors[ids]

    @torch.no_grad()
    def write(self, ids: Tensor, vectors: Tensor) -> None:
        """Keep ``vectors`` [B, d] for ``ids`` [B]; of an id that comes twice, the later one.

        All rows of one id write the same values, so that the order of the writes cannot matter.
        """
        place = torch.arange(len(ids), device=ids.device)
        latest = place.new_zeros(len(self.known)).scatter_reduce_(0, ids, place, "amax")
        self.vectors[ids] = vectors[latest[ids]].to(self.vectors.dtype)
        self.known[ids] = True
