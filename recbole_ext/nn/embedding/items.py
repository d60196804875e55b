"""From item ids to vectors: a learned one, what is known of the item, or both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from itertools import chain

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.embedding.padding import PAD


class ItemPart(nn.Module, ABC):
    """One thing known of items, as vectors. Nothing known is a zero vector, and so is PAD."""

    @abstractmethod
    def forward(self, ids: Tensor) -> Tensor:
        """Item ids of any shape [...] -> [..., d]."""

    @abstractmethod
    def initialize(self, std: float) -> None:
        """Learned tables: normal, of standard deviation ``std``."""


class ItemEncoder(nn.Module):
    """Vectors of items at the input, and the table that they are scored with.

    Without parts it is a plain embedding, and input and scores share its rows.

    Args:
        n_items: rows of the table, PAD (id 0, a zero row that stays zero) included.
        size: d.
        parts: what is known of items beside their ids.
        concat: concatenate the id's vector and the parts and map them back to d; else add them.
        learned_ids: a learned vector for each id; without it items are their parts alone.
        parts_in_scores: score with the input's vectors; else with the ids' alone.
        learned_padding: a defect: PAD's row is drawn and learned as an item's is.
        n_apart: the last ids are no items ([MASK]), of which parts know nothing: without learned
            ids each has a learned vector of its own.
    """

    def __init__(
        self,
        n_items: int,
        size: int,
        parts: Sequence[ItemPart] = (),
        concat: bool = False,
        learned_ids: bool = True,
        parts_in_scores: bool = True,
        learned_padding: bool = False,
        n_apart: int = 0,
    ) -> None:
        super().__init__()
        if not (learned_ids or (parts and parts_in_scores)):
            raise ValueError("without learned ids there must be parts, and they must be scored")
        self.n_items, self.size, self.parts_in_scores = n_items, size, parts_in_scores
        self.learned_padding = learned_padding
        rows = nn.Embedding(n_items, size, padding_idx=PAD).weight.detach() if learned_ids else None
        self.weight = None if rows is None else nn.Parameter(rows)
        own = torch.empty(n_apart, size) if n_apart and not learned_ids else None
        self.apart = None if own is None else nn.Parameter(own)
        self.parts = nn.ModuleList(parts)
        joined = (len(parts) + learned_ids) * size
        # Without bias: an item of which nothing is known, and PAD, stay zero.
        self.combine = nn.Linear(joined, size, bias=False) if concat and parts else None

    def forward(self, ids: Tensor) -> Tensor:
        """Ids of any shape [...] -> [..., d]."""
        vectors = [part(ids) for part in self.parts]
        if self.weight is not None:
            vectors.insert(0, F.embedding(ids, self.weight, self._without_gradient))
        if self.combine is None:
            return self._with_apart(ids, reduce(torch.add, vectors))
        return self._with_apart(ids, self.combine(torch.cat(vectors, -1)))

    def _with_apart(self, ids: Tensor, vectors: Tensor) -> Tensor:
        if self.apart is None:
            return vectors
        place = ids - (self.n_items - len(self.apart))  # among those apart
        own = F.embedding(place.clamp(min=0), self.apart)
        return torch.where((place >= 0).unsqueeze(-1), own, vectors)

    @property
    def _without_gradient(self) -> int | None:
        return None if self.learned_padding else PAD

    def table(self) -> Tensor:
        """[n_items, d] vectors that items are scored with."""
        if self.weight is not None and not (self.parts and self.parts_in_scores):
            return self.weight
        device = next(chain(self.parameters(), self.buffers())).device
        every: Tensor = self(torch.arange(self.n_items, device=device))
        return every

    @torch.no_grad()
    def initialize(self, std: float) -> None:
        """Normal rows of standard deviation ``std``; the PAD row zero unless it is learned."""
        if self.weight is not None:
            nn.init.normal_(self.weight, std=std)
            if not self.learned_padding:
                self.weight[PAD].zero_()
        if self.apart is not None:
            nn.init.normal_(self.apart, std=std)
        for part in self.parts:
            part.initialize(std)  # type: ignore[operator]
