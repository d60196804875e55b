"""Fixed attention patterns (arXiv 2407.02793, Table 4 and Figure 4): nothing is learned but V."""

from __future__ import annotations

import torch
from torch import Tensor

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.position_only import PositionOnlyMixer

PATTERNS = ("average", "linear_annealing", "exponential_annealing")


class FixedPattern(PositionOnlyMixer):
    """Weights of key j for query i, normalised over the real keys that i may see.

    average: 1. linear_annealing: j, the 1-based slot counted in the full length n.
    exponential_annealing: exp(-|i - j|). Written as log-weights, they share the softmax of the
    learned mixers.
    """

    learned_scores = False

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        if spec.pattern not in PATTERNS:
            raise ValueError(f"pattern {spec.pattern!r}: one of {', '.join(PATTERNS)}")

    def scores(self, queries: int, width: int) -> Tensor:
        like = self.value.weight
        end = self.spec.max_length
        slots = torch.arange(end - width + 1, end + 1, dtype=like.dtype, device=like.device)
        if self.spec.pattern == "average":
            pattern = like.new_zeros(queries, width)
        elif self.spec.pattern == "linear_annealing":
            pattern = slots.log().expand(queries, width)
        else:
            pattern = -(slots[-queries:, None] - slots[None, :]).abs()
        return pattern.expand(self.spec.n_heads, queries, width)
