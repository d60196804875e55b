"""Stochastic shared embeddings (SSE-SE, Wu et al., NeurIPS 2019): ids replaced at random."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.embedding.padding import PAD


class RandomReplacement(nn.Module):
    """Each id, with probability p, by one drawn uniformly from all; in training only.

    PAD stays what it is, and so does any id from ``n_ids`` up (a [MASK]). In eval mode and with
    p = 0 nothing is replaced and no random number is drawn.

    Args:
        n_ids: ids that may be drawn are 1 .. n_ids - 1.
        probability: p. The draw may give the same id again.
    """

    def __init__(self, n_ids: int, probability: float = 0.0) -> None:
        super().__init__()
        self.n_ids, self.probability = n_ids, probability

    def forward(self, ids: Tensor) -> Tensor:
        """Ids of any shape -> ids of that shape."""
        if not self.training or self.probability == 0.0:
            return ids
        drawn = torch.randint(PAD + 1, self.n_ids, ids.shape, device=ids.device)
        chosen = torch.rand(ids.shape, device=ids.device) < self.probability
        return torch.where(chosen & (ids > PAD) & (ids < self.n_ids), drawn, ids)

    def extra_repr(self) -> str:
        return f"p={self.probability}"
