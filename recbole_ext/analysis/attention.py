"""Attention matrices of a trained model, whoever wrote it.

Nothing of a model is changed: torch's hooks see what goes into its attention while it scores a
batch, and are gone after it. Own models say their matrices themselves
(:class:`recbole_ext.nn.attending.Attending`); of RecBole's, the softmax of its
``MultiHeadAttention`` is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
from recbole.data.interaction import Interaction
from recbole.model.layers import MultiHeadAttention
from torch import Tensor, nn

from recbole_ext.nn.attending import Attending, Attention, NoAttentionError, in_order


@torch.no_grad()
def attention_of(model: nn.Module, interaction: Interaction, lengths: Tensor) -> Attention:
    """The matrices of every layer that the model uses to score the items for a batch.

    Args:
        model: in evaluation mode.
        interaction: what its ``full_sort_predict`` reads.
        lengths: [B] items of each sequence, as the model gets them.

    Returns:
        Right-aligned matrices, in the order in which the layers are used.

    Raises:
        NoAttentionError: there are none, or the model does not give them.
    """
    attending, stock_parts = list(_attending(model)), list(_recboles(model))
    if not attending and not stock_parts:
        raise NoAttentionError("has no attention matrices")
    own: list[Attention] = []
    stock: list[Tensor] = []
    with ExitStack() as hooks:
        for source in attending:
            hook = source.register_forward_pre_hook(_ask(own), with_kwargs=True)
            hooks.callback(hook.remove)
        for part in stock_parts:
            hooks.callback(part.softmax.register_forward_hook(_keep(stock)).remove)
        model.full_sort_predict(interaction)  # type: ignore[operator]
    if own:
        return Attention([layer for one in own for layer in one.layers], own[0].keep)
    return _right_aligned(stock, lengths)


def _attending(module: nn.Module) -> Iterator[Attending]:
    """The outermost ones: a sum of mixers speaks for its parts."""
    if isinstance(module, Attending):
        yield module
        return
    for child in module.children():
        yield from _attending(child)


def _recboles(model: nn.Module) -> Iterator[MultiHeadAttention]:
    return (part for part in model.modules() if isinstance(part, MultiHeadAttention))


def _ask(found: list[Attention]) -> Any:
    def hook(module: Attending, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        found.append(module.attention(*inputs, **named))

    return hook


def _keep(found: list[Tensor]) -> Any:
    def hook(_: nn.Module, __: Any, output: Tensor) -> None:
        found.append(output)

    return hook


def _right_aligned(layers: list[Tensor], lengths: Tensor) -> Attention:
    """From left-aligned matrices [B, h, L, L], whose padded queries look at items too."""
    width = layers[0].shape[-1]
    place = torch.arange(width, device=lengths.device) - (width - lengths.unsqueeze(1))  # [B, L]
    keep, source = place >= 0, place.clamp(min=0)
    real = keep[:, None, :, None] & keep[:, None, None, :]
    return Attention([in_order(one, source) * real for one in layers], keep)
