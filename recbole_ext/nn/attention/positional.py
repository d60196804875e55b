"""PARec's positional attention (arXiv 2407.02793, Section 3.2): a learned score a slot pair."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.position_only import PositionOnlyMixer

INITIAL_STD = 0.01


class PositionalAttention(PositionOnlyMixer):
    """S = R, R [h, n, n] learned. d² + h·n² parameters without biases."""

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.table = nn.Parameter(torch.empty(spec.n_heads, spec.max_length, spec.max_length))
        nn.init.trunc_normal_(self.table, std=INITIAL_STD, a=-2 * INITIAL_STD, b=2 * INITIAL_STD)

    def scores(self, queries: int, width: int) -> Tensor:
        return self.table[:, -queries:, -width:]
