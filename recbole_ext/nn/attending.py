"""Looking at attention: what a module offers whose attention matrices can be asked for.

Nothing is kept or computed in training: the matrices are made anew from a module's inputs, when an
analysis asks for them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Attention:
    """The attention matrices of one module.

    Attributes:
        layers: for each layer [B, s, w, w], row i the weights of query i over all keys, of the s
            heads that have such weights; rows and columns of padded slots are 0.
        keep: [B, w] bool, true at real items.
    """

    layers: list[Tensor]
    keep: Tensor


class NoAttentionError(ValueError):
    """A module that has no attention matrices, or does not give them; ``str(e)`` goes on
    after its name."""


class Attending(nn.Module, ABC):
    """A module that can say which attention matrices its ``forward`` uses."""

    @abstractmethod
    def attention(self, *inputs: Any, **named: Any) -> Attention:
        """The matrices of ``forward`` with the same arguments, without dropout."""


def in_order(weights: Tensor, source: Tensor) -> Tensor:
    """weights [B, h, w, w], source [B, w] slots -> rows and columns in that order."""
    rows = weights.gather(2, source[:, None, :, None].expand_as(weights))
    return rows.gather(3, source[:, None, None, :].expand_as(weights))
