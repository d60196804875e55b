"""Two ways to tell a model of ``transformers`` which items each state may depend on.

Sequences are left-aligned here (real items first): slots count from the oldest item in every
family, whether or not it takes ``position_ids``, and under a causal model padding comes too late to
matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from recbole_ext.nn.backbone.spec import BackboneError

Sight = Callable[[PreTrainedModel, Tensor, Tensor, bool], Tensor]


def by_nature(model: PreTrainedModel, x: Tensor, keep: Tensor, causal: bool) -> Tensor:
    """x [B, w, d], keep [B, w] left-aligned -> states [B, w, d]: the model's own direction.

    Causal models need no mask at all; bidirectional ones a plain one of the real items.
    """
    return _states(model, x) if causal else _states(model, x, attention_mask=keep.long())


def by_mask(
    model: PreTrainedModel, x: Tensor, keep: Tensor, causal: bool, **further: Tensor
) -> Tensor:
    """The same under a 4-D mask, whatever the direction that the model was made for."""
    visible = _visible(keep, causal)
    kinds = set(getattr(model.config, "layer_types", None) or ())
    window = getattr(model.config, "sliding_window", None)
    if not window or kinds == {"full_attention"}:
        return _states(model, x, attention_mask=_additive(visible, x), **further)
    near = _additive(visible & _near(keep, window, causal), x)
    if not kinds:
        return _states(model, x, attention_mask=near, **further)
    by_kind = {"full_attention": _additive(visible, x), "sliding_attention": near}
    masks = {kind: by_kind[kind] for kind in kinds}
    return _states(model, x, attention_mask=masks, **further)


def by_mask_and_slots(model: PreTrainedModel, x: Tensor, keep: Tensor, causal: bool) -> Tensor:
    """The same for models that would count their slots from a 2-D mask, as OPT does."""
    slots = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)
    return by_mask(model, x, keep, causal, position_ids=slots)


WAYS: tuple[Sight, ...] = (by_nature, by_mask, by_mask_and_slots)


def _visible(keep: Tensor, causal: bool) -> Tensor:
    """keep [B, w] -> [B, 1, w, w] bool: query i may see key j. Padding sees itself at least: an
    empty softmax would be no number."""
    batch, width = keep.shape
    if causal:
        earlier = torch.ones(width, width, dtype=torch.bool, device=keep.device).tril()
        return earlier.expand(batch, 1, -1, -1)
    itself = torch.eye(width, dtype=torch.bool, device=keep.device)
    return keep[:, None, None, :] | itself


def _near(keep: Tensor, window: int, causal: bool) -> Tensor:
    """[w, w] bool. Here a causal mask steers a bidirectional model, whose windows include their
    end, and a bidirectional mask a causal one, whose windows exclude it."""
    slots = torch.arange(keep.shape[1], device=keep.device)
    distance = (slots[:, None] - slots).abs()
    return distance <= window if causal else distance < window


def _additive(visible: Tensor, x: Tensor) -> Tensor:
    """0 where visible, the lowest number elsewhere: eager and sdpa attention both add it."""
    hidden = torch.zeros(visible.shape, dtype=x.dtype, device=x.device)
    return hidden.masked_fill_(~visible, torch.finfo(x.dtype).min)


def _states(model: PreTrainedModel, x: Tensor, **masks: Any) -> Tensor:
    states = getattr(model(inputs_embeds=x, **masks), "last_hidden_state", None)
    if not isinstance(states, Tensor) or states.shape != x.shape:
        shape = tuple(states.shape) if isinstance(states, Tensor) else None
        raise BackboneError(f"gives states {shape} for embeddings {tuple(x.shape)}")
    return states
