"""Several mixers side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer, MixerSpec
from recbole_ext.nn.dropout import Dropout


class SumOfMixers(Mixer):
    """out = Σ_m a_m mixer_m(x), then the output projection once, if there is one.

    Each mixer has its own parameters, value map included. A projection for each would cost d² more
    a mixer, and with one head add nothing: the value map can hold it.
    """

    projects_once = True

    def __init__(self, mixers: Sequence[type[Mixer]], spec: MixerSpec) -> None:
        nn.Module.__init__(self)  # not Mixer's: the values are the parts'
        self.spec = spec
        self.shares = spec.shares or (1.0,) * len(mixers)
        part = replace(spec, output_projection=spec.output_projection and not self.projects_once)
        self.parts = nn.ModuleList(mixer(part) for mixer in mixers)
        once, size = spec.output_projection and self.projects_once, spec.hidden_size
        self.output = nn.Linear(size, size) if once else nn.Identity()

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        mixed = (part(x, values, keep, last_only) for part in self.parts)
        return self.project(self.summed(mixed), keep)

    def summed(self, parts: Iterable[Tensor]) -> Tensor:
        """Σ_m a_m part_m."""
        first, *others = (share * one for share, one in zip(self.shares, parts, strict=True))
        return sum(others, first)

    @property
    def extends(self) -> bool:
        return all(getattr(part, "extends", False) for part in self.parts)

    def weights(self, x: Tensor, keep: Tensor, values: Tensor | None = None) -> Tensor:
        """Those of all parts, in their order: the sum is over outputs, no matrix is shared."""
        parts = (cast(Mixer, part) for part in self.parts)
        return torch.cat([part.weights(x, keep, values) for part in parts], 1)


class SumOfSublayers(SumOfMixers):
    """out = Σ_m a_m norm_m(x + dropout(mixer_m(x))), each mixer with its own output projection.

    What BSARec's blocks do (arXiv 2312.10325, released code). The residuals are in it already.
    """

    projects_once = False

    def __init__(self, mixers: Sequence[type[Mixer]], spec: MixerSpec) -> None:
        super().__init__(mixers, spec)
        if spec.sublayers is None:
            raise ValueError("a sum of sublayers needs to know of their LayerNorm and dropout")
        size, eps = spec.hidden_size, spec.sublayers.norm_eps
        self.norms = nn.ModuleList(nn.LayerNorm(size, eps=eps) for _ in mixers)
        self.sublayer_dropout = Dropout(spec.sublayers.dropout)

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        mixed = (self.sublayer_dropout(part(x, values, keep, last_only)) for part in self.parts)
        pairs = zip(mixed, self.norms, strict=True)
        summed = self.summed(norm(x[:, -one.shape[1] :] + one) for one, norm in pairs)
        return self.project(summed, keep)

    extends = SumOfMixers.extends  # said anew, as every class must
