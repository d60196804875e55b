"""Local heads, one file a kind.

LOCKER: He et al., "Locally Constrained Self-Attentive Sequential Recommendation", CIKM 2021.

A head is local by its scores (:class:`LocalScores`) or by what it mixes in place of attention
(:class:`LocalValues`). None of them looks ahead in a causal mixer.
"""

from __future__ import annotations

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.local.adaptive import AdaptedScores
from recbole_ext.nn.attention.local.base import LocalHeads, LocalScores, LocalValues
from recbole_ext.nn.attention.local.conv import Convolution
from recbole_ext.nn.attention.local.initial import FadedScores
from recbole_ext.nn.attention.local.rnn import Recurrence
from recbole_ext.nn.attention.local.window import Window

LOCAL_HEADS: dict[str, type[LocalScores] | type[LocalValues]] = {
    "window": Window,
    "conv": Convolution,
    "rnn": Recurrence,
    "initial": FadedScores,
    "adaptive": AdaptedScores,
}


def build_local(spec: MixerSpec) -> LocalScores | LocalValues:
    """The first ``spec.n_local_heads`` heads. ``KeyError`` for a kind that is not registered."""
    return LOCAL_HEADS[spec.local_attention](spec)


__all__ = ["LOCAL_HEADS", "LocalHeads", "LocalScores", "LocalValues", "build_local"]
