"""The items that queries are scored against: a table of their vectors, or their codes.

A loss, a prediction and a full ranking ask the same catalogue, so that all of them see one score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ext.nn.code_losses import code_cross_entropy
from recbole_ext.nn.codes import Banned, CodePart, ban, code_scores, top_by_codes
from recbole_ext.nn.embedding.padding import PAD
from recbole_ext.nn.losses import linear_cross_entropy
from recbole_ext.nn.negatives import Negatives
from recbole_ext.nn.sampled_losses import Scores, score, score_rows
from recbole_ext.nn.top import top_k


@dataclass(frozen=True)
class CrossEntropy:
    """How the cross-entropy over all items is computed; see ``nn/losses.py``.

    Attributes:
        classes: (first, one past the last) item ids that are classes.
        precision: of the products of a table; codes are summed in their own.
        chunk_size: positions at a time, None: by the catalogue's size.
        learned_padding: PAD, where it is a class, learns as items do; else its logit stays 0.
    """

    classes: tuple[int, int]
    precision: str = "auto"
    chunk_size: int | None = None
    learned_padding: bool = False


class Catalogue(ABC):
    """Scores of items by id, PAD's 0."""

    @abstractmethod
    def scores(self, queries: Tensor, n_items: int) -> Tensor:
        """Queries [B, q] -> scores [B, n_items] of the first ids."""

    def top(
        self, queries: Tensor, n_items: int, k: int, banned: Banned | None = None
    ) -> tuple[Tensor, Tensor]:
        """Scores [B, k] and ids [B, k] of the best of the first ids, ties by id; never PAD."""
        scores = self.scores(queries, n_items)
        ban(scores, banned)
        return top_k(scores, k)

    @abstractmethod
    def pairs(self, queries: Tensor, ids: Tensor) -> Tensor:
        """Queries [B, q], one item each [B] -> [B]."""

    @abstractmethod
    def sampled(self, queries: Tensor, targets: Tensor, negatives: Negatives) -> Scores:
        """Queries [P, q], their targets [P] and what was drawn for them -> scores of these."""

    @abstractmethod
    def cross_entropy(
        self, queries: Tensor, targets: Tensor, weights: Tensor | None, how: CrossEntropy
    ) -> Tensor:
        """Queries [P, q], targets [P], weights [P] or None (the mean) -> scalar."""


class TableCatalogue(Catalogue):
    """Inner products with a table [R, q], one row for each id."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def scores(self, queries: Tensor, n_items: int) -> Tensor:
        return queries @ self.table[:n_items].T

    def pairs(self, queries: Tensor, ids: Tensor) -> Tensor:
        return (queries * self.table[ids]).sum(-1)

    def sampled(self, queries: Tensor, targets: Tensor, negatives: Negatives) -> Scores:
        return score(queries, self.table, targets, negatives)

    def cross_entropy(
        self, queries: Tensor, targets: Tensor, weights: Tensor | None, how: CrossEntropy
    ) -> Tensor:
        first, last = how.classes
        table = self.table
        if first == PAD and not how.learned_padding:  # its logit stays 0: its row must not learn
            table = torch.cat([table[:1].detach(), table[1:]])
        return linear_cross_entropy(
            queries,
            table,
            targets,
            weights,
            first_class=first,
            last_class=last,
            precision=how.precision,
            chunk_size=how.chunk_size,
        )


class CodeCatalogue(Catalogue):
    """Partial sums over codes; the vectors of all items are never formed."""

    def __init__(self, part: CodePart) -> None:
        self.part = part

    def scores(self, queries: Tensor, n_items: int) -> Tensor:
        return code_scores(self.part.partial(queries), self.part.codes[:n_items])

    def top(
        self, queries: Tensor, n_items: int, k: int, banned: Banned | None = None
    ) -> tuple[Tensor, Tensor]:
        """A slice of the catalogue at a time: [B, n_items] scores are never held."""
        return top_by_codes(self.part.partial(queries), self.part.codes[:n_items], k, banned)

    def pairs(self, queries: Tensor, ids: Tensor) -> Tensor:
        vectors: Tensor = self.part(ids)
        return (queries * vectors).sum(-1)

    def sampled(self, queries: Tensor, targets: Tensor, negatives: Negatives) -> Scores:
        """N sampled items' vectors cost less than M K products of every query."""
        return score_rows(queries, self.part(targets), self.part(negatives.ids), targets, negatives)

    def cross_entropy(
        self, queries: Tensor, targets: Tensor, weights: Tensor | None, how: CrossEntropy
    ) -> Tensor:
        partial = self.part.partial(queries)
        return code_cross_entropy(partial, self.part.codes, targets, weights, how.chunk_size)
