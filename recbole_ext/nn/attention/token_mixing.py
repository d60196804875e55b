"""Token mixing (MLP-Mixer's idea, arXiv 2105.01601; baseline of arXiv 2407.02793, Table 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.position_only import PositionOnlyMixer


class TokenMixing(PositionOnlyMixer):
    """A learned n x n map over positions, the future masked; no softmax, so no normaliser."""

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.map = nn.Parameter(torch.empty(spec.n_heads, spec.max_length, spec.max_length))
        nn.init.normal_(self.map, std=spec.max_length**-0.5)

    def scores(self, queries: int, width: int) -> Tensor:
        return self.map[:, -queries:, -width:]

    def shares(self, queries: int, width: int) -> Tensor:
        return self.scores(queries, width)

    def normaliser(self, shares: Tensor, keep: Tensor) -> Tensor:
        return torch.ones((), dtype=shares.dtype, device=shares.device)
