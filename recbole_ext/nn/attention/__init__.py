"""Mixers: the part of a block that moves information between positions. One file a mixer.

A new mixer is one file with a :class:`~recbole_ext.nn.attention.base.Mixer` subclass, one line in
``MIXERS``, and one YAML in ``properties/model/``.
"""

from __future__ import annotations

from collections.abc import Sequence

from recbole_ext.nn.attention.base import Mixer, MixerSpec, Sublayers
from recbole_ext.nn.attention.dot_product import DotProductAttention
from recbole_ext.nn.attention.factorized import FactorizedPositionalAttention
from recbole_ext.nn.attention.fixed import FixedPattern
from recbole_ext.nn.attention.frequency import FrequencyFilter
from recbole_ext.nn.attention.linear import LinearAttention
from recbole_ext.nn.attention.position_only import PositionOnlyMixer
from recbole_ext.nn.attention.positional import PositionalAttention
from recbole_ext.nn.attention.relative import RelativePositionalAttention
from recbole_ext.nn.attention.sum import SumOfMixers, SumOfSublayers
from recbole_ext.nn.attention.token_mixing import TokenMixing

MIXERS: dict[str, type[Mixer]] = {
    "dot_product": DotProductAttention,
    "positional": PositionalAttention,
    "factorized_positional": FactorizedPositionalAttention,
    "relative_positional": RelativePositionalAttention,
    "fixed_pattern": FixedPattern,
    "linear": LinearAttention,
    "token_mixing": TokenMixing,
    "frequency_filter": FrequencyFilter,
}


def build_mixer(names: str | Sequence[str], spec: MixerSpec) -> Mixer:
    """The mixer registered under a name, or the sum of those under several.

    Raises ``KeyError`` for a name that is not registered, ``ValueError`` for an empty list.
    """
    listed = [names] if isinstance(names, str) else list(names)
    if not listed:
        raise ValueError("no mixer named")
    if len(listed) == 1:
        return MIXERS[listed[0]](spec)
    kind = SumOfMixers if spec.sublayers is None else SumOfSublayers
    return kind([MIXERS[name] for name in listed], spec)


__all__ = [
    "MIXERS",
    "Mixer",
    "MixerSpec",
    "PositionOnlyMixer",
    "Sublayers",
    "SumOfMixers",
    "SumOfSublayers",
    "build_mixer",
]
