"""BSARec's inductive bias, a filter of frequencies (Shin et al., AAAI 2024, arXiv 2312.10325).

A discrete Fourier transform over n slots, of which the first c frequencies are kept, is a circular
convolution: slot i gets Σ_j D(i - j) x_j with

    D(δ) = 1/n Σ_{|f| < c} cos(2π f δ / n)

Written so, padding adds nothing, whatever the width of a batch. The causal form sums over j <= i;
at the newest slot, whose state predicts, it equals the transform of the whole row. The released
code transforms whole rows, so that in its later blocks older slots have seen newer ones; it trains
the newest slot alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer, MixerSpec, visible_keys
from recbole_ext.nn.attention.distance import distances, spread


class FrequencyFilter(Mixer):
    """low + β² (x - low), low_i = Σ_j D(i - j) x_j; β [d] is learned, no item is compared.

    It acts on the vectors themselves: it has no map of values or outputs, and no weights that
    attention dropout could drop. One head or several are the same.

    Raises:
        ValueError: more frequencies than n slots have.
    """

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.value = self.output = nn.Identity()  # type: ignore[assignment]
        self.causal = spec.causal and not spec.filter_both_ways
        if not 1 <= spec.frequencies <= n_frequencies(spec.max_length):
            raise ValueError(
                f"{spec.frequencies} frequencies: {spec.max_length} slots have "
                f"{n_frequencies(spec.max_length)}"
            )
        self.high = nn.Parameter(torch.randn(spec.hidden_size))  # β

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        width = x.shape[1]
        queries = 1 if last_only else width
        kept = values * keep.unsqueeze(-1)
        low = self._shares(queries, width) @ kept  # [B, q, d]
        mixed = low + self.high.square() * (kept[:, -queries:] - low)
        return self.finish(mixed.unsqueeze(1), values, keep)

    def _shares(self, queries: int, width: int) -> Tensor:
        """D(i - j) [q, w] for the last ``queries`` slots i; the future is masked if causal."""
        n, causal = self.spec.max_length, self.causal
        kernel = low_pass(distances(n, causal).to(self.high), self.spec.frequencies, n)
        shares = spread(kernel.unsqueeze(0), queries, width, n, causal).squeeze(0)
        return shares * visible_keys(width, queries, causal, shares.device)


def n_frequencies(slots: int) -> int:
    """How many frequencies a real series of ``slots`` values has, 0 among them."""
    return slots // 2 + 1


def low_pass(distance: Tensor, kept: int, slots: int) -> Tensor:
    """D at each distance δ [r] over ``slots`` slots, the lowest ``kept`` frequencies kept."""
    frequencies = torch.arange(kept, dtype=distance.dtype, device=distance.device)
    # A frequency stands for itself and its negative; 0 and n/2 are their own.
    twice = torch.where((frequencies == 0) | (2 * frequencies == slots), 1.0, 2.0)
    angles = distance.unsqueeze(1) * frequencies * (2 * math.pi / slots)
    return (angles.cos() * twice).sum(1) / slots
