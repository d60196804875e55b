"""Vectors of users, as SSE-PT has them (Wu et al., RecSys 2020, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.embedding.padding import PAD
from recbole_ext.nn.embedding.shared import RandomReplacement


class UserEmbedding(nn.Module):
    """A learned vector for each user; an unknown one has the mean of all.

    The mean, not a zero row: no training step has shown a zero vector to the blocks above, while
    with stochastic shared embeddings they have learned to do with any user's.

    Args:
        n_users: PAD (id 0, who is nobody known) included.
        size: width of a vector.
        replace_probability: of a user's being replaced by a random one at the input, in training.
    """

    def __init__(self, n_users: int, size: int, replace_probability: float = 0.0) -> None:
        super().__init__()
        self.size = size
        self.table = nn.Embedding(n_users, size, padding_idx=PAD)
        self.replace = RandomReplacement(n_users, replace_probability)

    def forward(self, users: Tensor) -> Tensor:
        """Ids [B], PAD for an unknown user -> [B, size]; never replaced."""
        mean = self.table.weight[PAD + 1 :].detach().mean(0)
        return torch.where((users == PAD).unsqueeze(-1), mean, self.table(users))

    def inputs(self, users: Tensor) -> Tensor:
        """The same with random replacement, for what the blocks see."""
        vectors: Tensor = self(self.replace(users))
        return vectors

    @torch.no_grad()
    def initialize(self, std: float) -> None:
        """Normal rows; the PAD row zero."""
        nn.init.normal_(self.table.weight, std=std)
        self.table.weight[PAD].zero_()
