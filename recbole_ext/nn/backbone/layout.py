"""Either alignment of a batch in, the same one out; the model between sees real items first."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from recbole_ext.nn.backbone.sight import Sight


def look(
    model: PreTrainedModel,
    sight: Sight,
    x: Tensor,
    keep: Tensor,
    causal: bool,
    last_only: bool = False,
) -> Tensor:
    """x [B, w, d], keep [B, w], padded on one side -> states [B, w, d], or [B, 1, d] of the last.

    Rows are turned until their items come first, and back. A row of padding alone counts as one
    item, so that no softmax is empty: its states are finite and mean nothing.
    """
    slots = torch.arange(keep.shape[1], device=keep.device)
    oldest = keep.int().argmax(1, keepdim=True)  # [B, 1]
    real = keep.sum(1, keepdim=True).clamp(min=1) > slots  # [B, w]
    states = sight(model, _turned(x, slots + oldest), real, causal)
    return _turned(states, (slots[-1:] if last_only else slots) - oldest)


def _turned(x: Tensor, source: Tensor) -> Tensor:
    """x [B, w, d], source [B, v] slots, modulo w -> [B, v, d]."""
    index = (source % x.shape[1]).unsqueeze(-1)
    return x.gather(1, index.expand(-1, -1, x.shape[2]))
