"""Relative positional attention: the score of a pair depends on its distance alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.position_only import PositionOnlyMixer

INITIAL_STD = 0.01


class RelativePositionalAttention(PositionOnlyMixer):
    """S_ij = r[i - j], r [h, n] (causal) or [h, 2n-1] learned; distances beyond n are clamped.

    Item-free like PARec, but with the positions 'Revisiting SASRec' (arXiv 2504.09596) asks for: an
    item's position relative to the prediction is the same in every prefix, so training all
    positions at once sees what inference sees.
    """

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        reach = spec.max_length if spec.causal else 2 * spec.max_length - 1
        self.by_distance = nn.Parameter(torch.randn(spec.n_heads, reach) * INITIAL_STD)

    def scores(self, queries: int, width: int) -> Tensor:
        slots = torch.arange(width, device=self.by_distance.device)
        distance = slots[-queries:, None] - slots[None, :]  # [q, w], i - j
        longest = self.spec.max_length - 1
        first = 0 if self.spec.causal else -longest
        index = distance.clamp(first, longest) - first
        return self.by_distance.index_select(1, index.flatten()).unflatten(1, (queries, width))
