"""What a backbone is asked to be, in this library's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_LONGEST = 240  # characters of a reason; some of transformers' own fill a page

# What the keys of a configuration are called, where they go by another name here.
KEYS = {
    "family": "backbone",
    "max_length": "MAX_ITEM_LIST_LENGTH",
    "hidden_dropout": "hidden_dropout_prob",
    "attention_dropout": "attn_dropout_prob",
}


class BackboneError(ValueError):
    """A model of ``transformers`` that cannot be what it is asked to be: one line, why."""

    def __init__(self, reason: str) -> None:
        line = " ".join(reason.split())
        super().__init__(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}...")


@dataclass(frozen=True)
class BackboneSpec:
    """Which model, how large, and in which direction it may look.

    Args:
        family: a ``model_type`` of ``transformers``, such as ``llama``.
        hidden_size: d, the width of item embeddings and of states.
        inner_size: width of the feed-forward networks.
        max_length: n, the longest sequence.
        hidden_dropout: of embeddings and of what a layer adds, by the family's own placing.
        attention_dropout: of the attention weights.
        initializer_range: standard deviation of the initial weights.
        causal: a state may depend on earlier items alone; else on all items of the sequence.
        options: further attributes of the family's configuration, in its own words.
    """

    family: str
    hidden_size: int
    n_layers: int
    n_heads: int
    inner_size: int
    max_length: int
    hidden_dropout: float = 0.0
    attention_dropout: float = 0.0
    initializer_range: float = 0.02
    causal: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, get: Callable[[str], Any]) -> BackboneSpec:
        """Read by the names of this library's keys; ``get`` gives None for an absent one."""
        return cls(
            **{name: get(KEYS.get(name, name)) for name in SIZES},
            family=get("backbone"),
            causal=get("direction") != "ae",
            options=get("backbone_config") or {},
        )


SIZES = (
    "hidden_size",
    "n_layers",
    "n_heads",
    "inner_size",
    "max_length",
    "hidden_dropout",
    "attention_dropout",
    "initializer_range",
)
