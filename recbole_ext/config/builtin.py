"""The keys of RecBole's built-in models, read from RecBole's own files without importing them.

A model's YAML names its keys, and the default says the type. A few models also read keys that
their YAML leaves out; those are found in the model's source and take any value.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

from recbole_ext import stock
from recbole_ext.config.keys import ANY_MODEL, ARCHITECTURE
from recbole_ext.config.schema import Key
from recbole_ext.config.sources import read_yaml

_ACTIVATIONS = ("gelu", "relu", "swish", "tanh", "sigmoid")
_LOSSES = ("CE", "BPR")
_FRACTIONS = ("prob", "ratio", "weight", "rate", "w_max", "w_min")  # 0 or 1 stands for 0.0 or 1.0
_COMPUTED = {  # set by RecBole while it runs, never by a user
    "device",
    "feature_num",
    "MASK_INDEX",
    "MASK_ITEM_SEQ",
    "NEG_ITEMS",
    "POS_ITEMS",
    "INVERSE_ITEM_SEQ",
}


@cache
def builtin_keys(model: str) -> dict[str, Key]:
    """The keys that belong to a model of RecBole, beside those of any model."""
    defaults = read_builtin_yaml(model)
    keys = {name: key_of(name, default) for name, default in defaults.items()}
    unlisted = _keys_in_source(model) - set(defaults) - _COMPUTED
    keys |= {name: Key("any", f"read by {model}") for name in unlisted}
    return {name: key for name, key in keys.items() if name not in ANY_MODEL}


@cache
def models_with_key(key: str) -> list[str]:
    """The models of RecBole that have a key of this name."""
    return [model for model in stock.recbole_models() if key in builtin_keys(model)]


def read_builtin_yaml(model: str) -> dict[str, Any]:
    """RecBole's defaults of a model; empty for the few models without a file."""
    file = stock.model_yaml(model)
    return read_yaml(file, f"RecBole's {file.name}") if file.is_file() else {}


def _keys_in_source(model: str) -> set[str]:
    text = stock.model_source(model).read_text(encoding="utf-8")
    return set(re.findall(r"""config\[["'](\w+)["']\]""", text))


def key_of(name: str, default: Any, text: str = "of RecBole's model") -> Key:
    """A key whose type is its default's."""
    if name == "loss_type" and default in _LOSSES:
        return Key("str", "the loss", choices=_LOSSES)
    if name == "hidden_act":
        return Key("str", "the activation", choices=_ACTIVATIONS)
    shared = ARCHITECTURE.get(name)
    if shared is not None and not shared.choices and shared.accepts(default):
        nullable = shared.accepts(None) and default is not None  # null where it does not apply
        return replace(shared, kind=shared.kind.removesuffix("|null")) if nullable else shared
    return Key(_kind(name, default), text)


def _kind(name: str, default: Any) -> str:
    if default is None or default == "None":
        return "any"
    if isinstance(default, int) and not isinstance(default, bool) and name.endswith(_FRACTIONS):
        return "float"
    kinds = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}
    return kinds.get(type(default), "any")  # which no value of that type passes
