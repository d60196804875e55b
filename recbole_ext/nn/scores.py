"""How a state becomes scores: a query vector, multiplied with a table of items.

A loss, a prediction and a full ranking take the same two, so that all of them see one score.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class DotScores(nn.Module):
    """x·e."""

    def queries(self, states: Tensor, users: Tensor | None) -> Tensor:
        """States [P, d] and, where there are any, user vectors [P, d_u] -> queries [P, q]."""
        return states

    def table(self, items: Tensor) -> Tensor:
        """Item vectors [V, d_i] -> [V, q]."""
        return items


class CosineScores(DotScores):
    """cos(x, e) / τ; 0 for a zero vector, as PAD's is.

    Args:
        temperature: τ > 0.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def queries(self, states: Tensor, users: Tensor | None) -> Tensor:
        return _unit(states) / self.temperature

    def table(self, items: Tensor) -> Tensor:
        return _unit(items)


class UserScores(DotScores):
    """SSE-PT: x[:d_i]·e + x[d_i:]·u (Wu et al., RecSys 2020).

    The user's term is the same for all items. It is one more column, multiplied with ones; where
    only differences of scores count, training does without (33 columns instead of 32 cost more
    than they look).

    Args:
        item_size: d_i.
        differences_only: the loss does not see a constant (softmax over items).
    """

    def __init__(self, item_size: int, differences_only: bool) -> None:
        super().__init__()
        self.item_size, self.differences_only = item_size, differences_only

    def queries(self, states: Tensor, users: Tensor | None) -> Tensor:
        about_items, about_user = states[:, : self.item_size], states[:, self.item_size :]
        if self._without_constant:
            return about_items
        assert users is not None
        return torch.cat([about_items, (about_user * users).sum(-1, keepdim=True)], -1)

    def table(self, items: Tensor) -> Tensor:
        if self._without_constant:
            return items
        return torch.cat([items, items.new_ones(len(items), 1)], -1)

    @property
    def _without_constant(self) -> bool:
        return self.training and self.differences_only


def build_scores(config: Any) -> DotScores:
    """What ``score`` names."""
    cosine = config["score"] == "cosine"
    return CosineScores(config["score_temperature"]) if cosine else DotScores()


def _unit(vectors: Tensor) -> Tensor:
    """[N, d] to length 1; a zero vector stays, with a finite gradient."""
    length = vectors.norm(dim=-1, keepdim=True)
    return vectors / torch.where(length > 0, length, 1.0)
