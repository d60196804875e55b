"""Several mixers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer, MixerSpec, extends


class SumOfMixers(Mixer):
    """out = Σ_m a_m mixer_m(x), then the output projection once, if there is one.

    Each mixer has its own parameters, value map included. A projection for each would cost d² more
    a mixer, and with one head add nothing: the value map can hold it.
    """

    def __init__(self, mixers: Sequence[type[Mixer]], spec: MixerSpec) -> None:
        nn.Module.__init__(self)  # not Mixer's: the values are the parts'
        self.spec = spec
        self.shares = spec.shares or (1.0,) * len(mixers)
        part = replace(spec, output_projection=False)
        self.parts = nn.ModuleList(mixer(part) for mixer in mixers)
        size = spec.hidden_size
        self.output = nn.Linear(size, size) if spec.output_projection else nn.Identity()

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        mixed = (part(x, values, keep, last_only) for part in self.parts)
        first, *others = (share * out for share, out in zip(self.shares, mixed, strict=True))
        return self.project(sum(others, first), keep)

    @property
    def extends(self) -> bool:
        return all(extends(cast(Mixer, part)) for part in self.parts)

    def weights(self, x: Tensor, keep: Tensor, values: Tensor | None = None) -> Tensor:
        """Those of all parts, in their order: the sum is over outputs, no matrix is shared."""
        parts = (cast(Mixer, part) for part in self.parts)
        return torch.cat([part.weights(x, keep, values) for part in parts], 1)
