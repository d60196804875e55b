"""A depth-wise convolution in place of a head's attention (LOCKER's convolution)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.local.base import LocalValues


class Convolution(LocalValues):
    """out_i = Σ_δ c[δ] · v_(i+δ), one weight a channel and offset δ; padding counts as 0.

    Offsets -w to w, 2w+1 taps; causal: -w to 0, w+1 taps. (The released code looks w ahead under AR
    too.) Taps are ordered from the oldest slot to the newest.
    """

    uses_window = True

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.behind, self.ahead = spec.local_window, 0 if spec.causal else spec.local_window
        self.taps = nn.Parameter(
            torch.empty(self.behind + 1 + self.ahead, spec.n_local_heads, 1, spec.head_size)
        )
        bound = len(self.taps) ** -0.5  # as torch starts a depth-wise convolution
        nn.init.uniform_(self.taps, -bound, bound)

    def forward(self, value: Tensor, keep: Tensor, queries: int) -> Tensor:
        kept = value * keep[:, None, :, None]
        padded = F.pad(kept, (0, 0, self.behind, self.ahead))
        # The slots that the last q rows touch; sums of shifted views: faster than conv1d on a CPU.
        near = padded[:, :, -(queries + len(self.taps) - 1) :]
        return sum_of_shifts(near, self.taps, queries)


def sum_of_shifts(slots: Tensor, taps: Tensor, queries: int) -> Tensor:
    """slots [B, l, q+T-1, d/h], taps [T, l, 1, d/h] -> [B, l, q, d/h]."""
    mixed = slots[:, :, :queries] * taps[0]
    for shift in range(1, len(taps)):
        mixed = torch.addcmul(mixed, slots[:, :, shift : shift + queries], taps[shift])
    return mixed
