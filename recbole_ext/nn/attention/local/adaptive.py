"""Scores changed by what stands at both slots and by their distance (LOCKER's adaptive)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.distance import n_distances, spread
from recbole_ext.nn.attention.local.base import LocalScores

HIDDEN = 8
INITIAL_STD = 0.02


class AdaptedScores(LocalScores):
    """scores + MLP(e[i - j] + v_i + v_j), a network d/h -> 8 -> 1 of its own for each head.

    The released code has a single linear map in place of the MLP; v_i then adds the same to all
    keys of a query and is lost in the softmax. It also adds the mean of the whole history, which
    a causal model must not see; that is left out, under ``ae`` too, so that AE and AR differ in
    what they are to differ in.

    The first map is linear, so it is applied to e, v_i and v_j apart, and only one hidden unit
    at a time is spread over the pairs: nothing of shape [B, h, n, n, d] is made or kept.
    """

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        heads, size = spec.n_local_heads, spec.head_size
        reach = n_distances(spec.max_length, spec.causal)
        self.by_distance = nn.Parameter(torch.randn(heads, reach, size) * INITIAL_STD)  # e
        self.expand = nn.Parameter(torch.randn(heads, size, HIDDEN) * size**-0.5)
        self.expand_bias = nn.Parameter(torch.zeros(heads, 1, HIDDEN))
        # No bias: one number for all keys is lost in the softmax.
        self.contract = nn.Parameter(torch.randn(heads, HIDDEN) * HIDDEN**-0.5)

    def forward(self, scores: Tensor, value: Tensor) -> Tensor:
        by_distance = (self.by_distance @ self.expand + self.expand_bias).unbind(-1)
        by_slot = (value @ self.expand).unbind(-1)  # 8 times [B, l, w]
        for weight, pairs, slots in zip(
            self.contract.unbind(-1), by_distance, by_slot, strict=True
        ):
            arguments = (scores, weight, pairs, slots)
            if torch.is_grad_enabled():
                scores = checkpoint(
                    self._add_unit, *arguments, use_reentrant=False, preserve_rng_state=False
                )
            else:
                scores = self._add_unit(*arguments)
        return scores

    def _add_unit(self, scores: Tensor, weight: Tensor, pairs: Tensor, slots: Tensor) -> Tensor:
        """One hidden unit. weight [l], pairs [l, reach], slots [B, l, w]."""
        queries, width = scores.shape[-2:]
        spread_pairs = spread(pairs, queries, width, self.spec.max_length, self.spec.causal)
        unit = slots[..., -queries:, None] + slots[..., None, :] + spread_pairs  # [B, l, q, w]
        return torch.addcmul(scores, unit.relu(), weight[:, None, None])
