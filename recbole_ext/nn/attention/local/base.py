"""What a local head is: LOCKER's two ways to keep a head near its own slot."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec


class LocalHeads(nn.Module, ABC):
    """The first ``n_local_heads`` heads of a mixer."""

    uses_window = False  # whether ``local_window`` says how far they look

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__()
        self.spec = spec


class LocalScores(LocalHeads):
    """Local heads that attend: their scores are changed before the mask and the softmax."""

    @abstractmethod
    def forward(self, scores: Tensor, value: Tensor) -> Tensor:
        """Change the scores; that of a slot with itself must stay finite.

        Args:
            scores: [B, l, q, w] of the l local heads, scaled, not yet masked.
            value: [B, l, w, d/h].

        Returns:
            [B, l, q, w].
        """


class LocalValues(LocalHeads):
    """Local heads without queries and keys: they mix the values of neighbouring slots.

    There are no attention weights, so attention dropout does not apply to them.
    """

    @abstractmethod
    def forward(self, value: Tensor, keep: Tensor, queries: int) -> Tensor:
        """Mix.

        Args:
            value: [B, l, w, d/h].
            keep: [B, w] bool, true at real items; the values of others must not matter.
            queries: q, how many of the newest slots are asked for.

        Returns:
            [B, l, q, d/h]; anything finite at padded slots.
        """
