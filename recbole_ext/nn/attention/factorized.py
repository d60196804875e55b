"""FPARec's factorised positional attention (arXiv 2407.02793, Section 3.3): S of rank k."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.position_only import PositionOnlyMixer

INITIAL_STD = 0.1


class FactorizedPositionalAttention(PositionOnlyMixer):
    """S = R1 R2ᵀ, R1 and R2 [h, n, k] learned. d² + 2·h·n·k parameters without biases."""

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        shape = (spec.n_heads, spec.max_length, spec.factor_rank)
        # Standard deviation of the product: σ²·√k = 0.01, as for the unfactorised table.
        std = INITIAL_STD / spec.factor_rank**0.25
        self.query_slots = nn.Parameter(torch.randn(shape) * std)  # R1
        self.key_slots = nn.Parameter(torch.randn(shape) * std)  # R2

    def scores(self, queries: int, width: int) -> Tensor:
        return self.query_slots[:, -queries:] @ self.key_slots[:, -width:].transpose(1, 2)
