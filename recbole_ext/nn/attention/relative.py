"""Relative positional attention: the score of a pair depends on its distance alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.distance import n_distances, spread
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
        reach = n_distances(spec.max_length, spec.causal)
        self.by_distance = nn.Parameter(torch.randn(spec.n_heads, reach) * INITIAL_STD)

    @property
    def extends(self) -> bool:
        return self.spec.causal and not self.spec.mask_after_softmax

    def scores(self, queries: int, width: int) -> Tensor:
        return spread(self.by_distance, queries, width, self.spec.max_length, self.spec.causal)
