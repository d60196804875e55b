"""What is known of items beside their ids, each thing as vectors of width d."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.embedding.items import ItemPart
from recbole_ext.nn.embedding.padding import PAD


class TokenPart(ItemPart):
    """The mean of the vectors of an item's values: of its one token, or of its many.

    Args:
        values: [n_items, m] ids of the values, PAD where there are fewer; one that stands there
            twice counts twice.
        n_values: rows of the table, PAD included.
        size: d.
    """

    values: Tensor

    def __init__(self, values: Tensor, n_values: int, size: int) -> None:
        super().__init__()
        self.register_buffer("values", values)
        self.table = nn.Embedding(n_values, size, padding_idx=PAD)

    def forward(self, ids: Tensor) -> Tensor:
        bags = self.values[ids.flatten()]  # [N, m]
        means = F.embedding_bag(bags, self.table.weight, mode="mean", padding_idx=PAD)
        return means.view(*ids.shape, -1)

    @torch.no_grad()
    def initialize(self, std: float) -> None:
        nn.init.normal_(self.table.weight, std=std)
        self.table.weight[PAD].zero_()


class NumberPart(ItemPart):
    """Σ_j x_j v_j: each number of an item times a learned vector.

    Args:
        values: [n_items, m] standardised numbers, 0 where one is missing.
        size: d.
    """

    values: Tensor

    def __init__(self, values: Tensor, size: int) -> None:
        super().__init__()
        self.register_buffer("values", values)
        self.vectors = nn.Parameter(torch.empty(values.shape[1], size))

    def forward(self, ids: Tensor) -> Tensor:
        return self.values[ids] @ self.vectors

    def initialize(self, std: float) -> None:
        nn.init.normal_(self.vectors, std=std)


class VectorPart(ItemPart):
    """Vectors made elsewhere, mapped to d by a matrix where they have another width.

    Args:
        vectors: [n_items, v], zero rows for items without one.
        size: d.
        frozen: they stay as they are; else they are where training starts from.
    """

    vectors: Tensor

    def __init__(self, vectors: Tensor, size: int, frozen: bool) -> None:
        super().__init__()
        if frozen:
            self.register_buffer("vectors", vectors)
        else:
            self.vectors = nn.Parameter(vectors.clone())
        # Without bias, so that a zero row adds nothing.
        same = vectors.shape[1] == size
        self.project = nn.Identity() if same else nn.Linear(vectors.shape[1], size, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        projected: Tensor = self.project(F.embedding(ids, self.vectors, PAD))
        return projected

    def initialize(self, std: float) -> None:
        """Nothing: the vectors are given, and the model initialises its linear maps."""
