"""A model of ``transformers`` with random weights and no vocabulary."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from torch import nn
from transformers import MODEL_MAPPING, PreTrainedConfig, PreTrainedModel

from recbole_ext.nn.backbone.families import build_config
from recbole_ext.nn.backbone.quiet import quiet
from recbole_ext.nn.backbone.spec import BackboneError, BackboneSpec


def build_model(spec: BackboneSpec) -> PreTrainedModel:
    """The model of ``spec``, initialised by its family's rules from torch's generator.

    Raises:
        BackboneError: it cannot be built, or takes no embeddings in place of ids.
    """
    with quiet():
        model = _made(build_config(spec))
        if reserved := _reserved_positions(model, spec.max_length):
            longer = replace(spec, max_length=spec.max_length + reserved)
            model = _made(build_config(longer))
    _remove_vocabulary(model)
    return model


def _made(config: PreTrainedConfig) -> PreTrainedModel:
    model_class: type[Any] = MODEL_MAPPING[type(config)]
    if "inputs_embeds" not in inspect.signature(model_class.forward).parameters:
        raise BackboneError("takes no inputs_embeds: item embeddings cannot be its input")
    takes = inspect.signature(model_class.__init__).parameters
    options = {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}
    try:
        model: PreTrainedModel = model_class._from_config(config, **options)
    except Exception as error:  # whatever its layers raise: the sizes are the user's
        raise BackboneError(f"cannot be built: {type(error).__name__}: {error}") from error
    return model.float()


def _reserved_positions(model: PreTrainedModel, max_length: int) -> int:
    """Rows that RoBERTa and its kin keep free in front of their table of ``max_length`` slots."""
    vocabulary = _vocabulary(model)
    for part in model.modules():
        if not isinstance(part, nn.Embedding) or part is vocabulary:
            continue
        if part.padding_idx is not None and part.num_embeddings == max_length:
            return part.padding_idx + 1
    return 0


def _remove_vocabulary(model: PreTrainedModel) -> None:
    """Take out the word embedding: the items' own takes its place."""
    vocabulary = _vocabulary(model)
    for parent in list(model.modules()):
        for name, part in parent.named_children():
            if part is vocabulary:
                setattr(parent, name, nn.Identity())


def _vocabulary(model: PreTrainedModel) -> nn.Module:
    try:
        return model.get_input_embeddings()
    except NotImplementedError as error:
        raise BackboneError("has no word embedding that item embeddings could replace") from error
