"""The families of ``transformers``, and how each of them names what this library calls a size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

from recbole_ext.nn.backbone.spec import BackboneError, BackboneSpec

# The names that families have for one of our sizes; all that a family has are set.
_SIZES: dict[str, tuple[str, ...]] = {
    "hidden_size": (
        "hidden_size",
        "d_model",
        "n_embd",
        "dim",
        "emb_dim",
        "embedding_dim",
        "embedding_size",  # what ALBERT and ELECTRA map to hidden_size: here there is one width
        "input_embedding_size",
        "word_embed_proj_dim",
    ),
    "n_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_blocks"),
    "n_heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "inner_size": (
        "intermediate_size",
        "d_inner",
        "n_inner",
        "ffn_dim",
        "d_ff",
        "ffn_hidden_size",
        "hidden_dim",
        "dff",
    ),
    "max_length": (
        "max_position_embeddings",
        "n_positions",
        "n_ctx",
        "max_seq_len",
        "context_length",
    ),
    "hidden_dropout": (
        "hidden_dropout_prob",
        "hidden_dropout",
        "resid_pdrop",
        "embd_pdrop",
        "emb_pdrop",
        "dropout",
        "embedding_dropout",
        "mlp_dropout",
        "residual_dropout",
        "resid_dropout",
        "embed_dropout",
    ),
    "attention_dropout": (
        "attention_probs_dropout_prob",
        "attention_dropout",
        "attn_pdrop",
        "attn_dropout",
    ),
    "initializer_range": ("initializer_range", "init_std"),
}

# What follows from the direction, as (causal, bidirectional), and what is never used here.
_DIRECTION: dict[str, tuple[Any, Any]] = {
    "is_decoder": (True, False),
    "attn_type": ("uni", "bi"),  # XLNet
    "causal": (True, False),  # XLM, FlauBERT
}
_FIXED: dict[str, Any] = {
    "vocab_size": 2,  # the embedding is removed
    "pad_token_id": 0,
    "use_cache": False,
    "use_mems_eval": False,
    "mem_len": None,
    "add_cross_attention": False,
}
# Defaults that fit a small model of items; the user may choose others.
_DEFAULTS: dict[str, Any] = {"type_vocab_size": 1}


def families() -> tuple[str, ...]:
    """The ``model_type`` of every model that ``AutoModel`` can build."""
    return tuple(name for name in MODEL_MAPPING_NAMES if name in CONFIG_MAPPING)


def attributes(family: str) -> tuple[str, ...]:
    """What the configuration of a family may be told beside its sizes."""
    common = {one.name for one in fields(PreTrainedConfig)} - {"chunk_size_feed_forward"}
    return tuple(sorted((_fields(family) | set(_renamed(family))) - common))


def owners(family: str) -> dict[str, str]:
    """The attributes that are not the user's to set: name -> what of ours decides it, or ``""``."""
    owned = {}
    for size, aliases in _SIZES.items():
        for name in (*aliases, *_resolved(family, aliases)):
            owned[name] = size
    owned |= dict.fromkeys(_DIRECTION, "direction")
    return owned | dict.fromkeys(_FIXED, "")


def has_no_name_for(family: str) -> list[str]:
    """Our sizes that a family does not know, such as the heads of a state-space model."""
    return [size for size, aliases in _SIZES.items() if not _resolved(family, aliases)]


def build_config(spec: BackboneSpec) -> PreTrainedConfig:
    """The configuration of ``spec``.

    Raises:
        BackboneError: the family has no width or no depth of its own, or refuses a value.
    """
    for needed in ("hidden_size", "n_layers"):
        if needed in has_no_name_for(spec.family):
            raise BackboneError(
                f"has no {needed} of its own; it is no plain sequence model (of a model of several "
                "parts, name the text part)"
            )
    config = _made(spec)
    if config.is_encoder_decoder:
        raise BackboneError(
            "is a sequence-to-sequence model, an encoder and a decoder; one of the two is needed"
        )
    return config


def _made(spec: BackboneSpec) -> PreTrainedConfig:
    known = _fields(spec.family)
    chosen = {**_sizes(spec), **_given(spec, known)}
    try:
        return CONFIG_MAPPING[spec.family](**chosen)
    except Exception as error:  # whatever its checks raise: the values are the user's
        raise BackboneError(f"refuses its configuration: {error}") from error


def _given(spec: BackboneSpec, known: set[str]) -> dict[str, Any]:
    """All but the sizes; a later entry wins."""
    switched = {name: pair[not spec.causal] for name, pair in _DIRECTION.items()}
    own = {k: v for k, v in {**_FIXED, **_DEFAULTS, **switched}.items() if k in known}
    return {**own, **_by_head(spec, known), **spec.options}


def _by_head(spec: BackboneSpec, known: set[str]) -> dict[str, Any]:
    """Some families fix the width of a head or the number of keys apart from their other sizes."""
    by_head = {
        "num_key_value_heads": spec.n_heads,
        "head_dim": spec.hidden_size // spec.n_heads,
    }
    return {name: value for name, value in by_head.items() if name in known}


def _sizes(spec: BackboneSpec) -> dict[str, Any]:
    return {
        name: getattr(spec, size)
        for size, aliases in _SIZES.items()
        for name in _resolved(spec.family, aliases)
    }


@cache
def _fields(family: str) -> set[str]:
    return {one.name for one in fields(CONFIG_MAPPING[family])}


def _renamed(family: str) -> Mapping[str, str]:
    """``attribute_map``: the common name of an attribute -> the family's."""
    return dict(CONFIG_MAPPING[family].attribute_map)


def _resolved(family: str, aliases: tuple[str, ...]) -> list[str]:
    """The fields that ``aliases`` stand for; a property of such a name is left alone."""
    renamed, known = _renamed(family), _fields(family)
    found = (renamed.get(alias, alias) for alias in aliases)
    return [name for name in dict.fromkeys(found) if name in known]
