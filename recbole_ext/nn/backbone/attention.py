"""The attention matrices of a model of ``transformers``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from recbole_ext.nn.attending import NoAttentionError, in_order
from recbole_ext.nn.backbone.layout import look
from recbole_ext.nn.backbone.quiet import quiet
from recbole_ext.nn.backbone.sight import Sight


def attention_of(
    model: PreTrainedModel, sight: Sight, x: Tensor, keep: Tensor, causal: bool
) -> list[Tensor]:
    """x [B, w, d], keep [B, w] -> for each layer [B, h, w, w]; padded rows and columns are 0.

    Raises:
        NoAttentionError: the family gives no attention weights (a state-space model has none).
    """
    with quiet(), _eager(model), _outputs(model) as given:
        look(model, sight, x, keep, causal)
    found = getattr(given[-1], "attentions", None)
    layers = [one for one in found or () if isinstance(one, Tensor)]
    if not layers or any(one.shape[-2:] != (x.shape[1], x.shape[1]) for one in layers):
        raise NoAttentionError("has a backbone that gives no attention matrices")
    slots = torch.arange(keep.shape[1], device=keep.device)
    oldest = keep.int().argmax(1, keepdim=True)
    source = (slots - oldest) % keep.shape[1]  # the model has seen real items first
    real = keep[:, None, :, None] & keep[:, None, None, :]
    return [in_order(one, source) * real for one in layers]


@contextmanager
def _eager(model: PreTrainedModel) -> Iterator[None]:
    """Fused kernels never have the weights; the plain one does."""
    before = model.config._attn_implementation
    try:
        model.set_attn_implementation("eager")
    except Exception as error:  # whatever a family without a plain kernel raises
        raise NoAttentionError(
            f"has a backbone that gives no attention matrices ({error})"
        ) from error
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def _outputs(model: PreTrainedModel) -> Iterator[list[Any]]:
    """What the model returns, asked for its attention too."""
    given: list[Any] = []

    def ask(_: Any, args: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, {**named, "output_attentions": True}

    hooks = (
        model.register_forward_pre_hook(ask, with_kwargs=True),
        model.register_forward_hook(lambda _, __, output: given.append(output)),
    )
    try:
        yield given
    finally:
        for hook in hooks:
            hook.remove()
