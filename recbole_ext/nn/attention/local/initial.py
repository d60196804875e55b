"""Scores faded with the distance, from a local start (LOCKER's initialisation)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.distance import distances, spread
from recbole_ext.nn.attention.local.base import LocalScores

TEMPERATURE = 0.1
INITIAL_WIDTH = 0.5  # standard deviation, in slots, of the curve that r starts from


class FadedScores(LocalScores):
    """scores x sigmoid(r[j - i] / τ), τ = 0.1, r [l, n] (causal) or [l, 2n-1] learned.

    r starts as exp(-(i - j)² / (2 · 0.5²)), a Gaussian curve over the distance: factor 1 at the own
    slot, .79 beside it, .5 far away. (The released code centres the curve one slot ahead.)
    """

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        curve = torch.exp(-(distances(spec.max_length, spec.causal) ** 2) / (2 * INITIAL_WIDTH**2))
        self.by_distance = nn.Parameter(curve.repeat(spec.n_local_heads, 1))

    def forward(self, scores: Tensor, value: Tensor) -> Tensor:
        factors = (self.by_distance / TEMPERATURE).sigmoid()
        queries, width = scores.shape[-2:]
        return scores * spread(factors, queries, width, self.spec.max_length, self.spec.causal)
