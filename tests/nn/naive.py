"""Slow mixers, written anew from the equations: one batch row, one head, one softmax at a time."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.attention import Mixer


def position_scores(mixer: Mixer, head: int) -> Tensor:
    """S [n, n] over all slots of one head, scaled."""
    spec, n = mixer.spec, mixer.spec.max_length
    scale = 1.0 / math.sqrt(spec.hidden_size / spec.n_heads)
    i, j = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
    match type(mixer).__name__:
        case "PositionalAttention":
            return mixer.table[head] * scale
        case "FactorizedPositionalAttention":
            return torch.einsum("ik,jk->ij", mixer.query_slots[head], mixer.key_slots[head]) * scale
        case "RelativePositionalAttention":
            table = mixer.by_distance[head] * scale
            return table[(i - j).clamp(min=0)] if spec.causal else table[i - j + n - 1]
        case "FixedPattern":
            weight = {
                "average": torch.ones(n, n, dtype=torch.float64),
                "linear_annealing": (j + 1.0).double(),
                "exponential_annealing": torch.exp(-(i - j).abs().double()),
            }
            return weight[spec.pattern].log()
    raise AssertionError(type(mixer))


def mix(mixer: Mixer, x: Tensor, values: Tensor, keep: Tensor, drop: Tensor | None) -> Tensor:
    """What ``mixer(x, values, keep)`` must be; ``drop`` [h, w, w] multiplies the weights."""
    rows = [
        torch.cat([_head(mixer, h, x[b], values[b], keep[b], drop) for h in _heads(mixer)], -1)
        for b in range(x.shape[0])
    ]
    out = torch.stack(rows)
    if isinstance(mixer.output, nn.Linear):
        out = out @ mixer.output.weight.T + mixer.output.bias
    return out * keep.unsqueeze(-1)


def _heads(mixer: Mixer) -> range:
    return range(mixer.spec.n_heads)


def _head(
    mixer: Mixer, head: int, x: Tensor, values: Tensor, keep: Tensor, drop: Tensor | None
) -> Tensor:
    """[w, d/h] of one row and head."""
    weights = _weights(mixer, head, x, keep)
    if drop is not None:
        weights = weights * drop[head]
    return weights @ _project(mixer, mixer.value, head, values)


def _weights(mixer: Mixer, head: int, x: Tensor, keep: Tensor) -> Tensor:
    """[w, w], zero where a query may not look and in padded rows."""
    width = len(keep)
    allowed = keep.unsqueeze(0).expand(width, width)
    visible = torch.ones(width, width, dtype=torch.bool)
    visible = visible.tril() if mixer.spec.causal else visible
    kind = type(mixer).__name__
    if kind == "TokenMixing":
        return mixer.map[head, -width:, -width:] * (allowed & visible)
    if kind == "LinearAttention":
        query = F.elu(_project(mixer, mixer.query, head, x)) + 1
        key = F.elu(_project(mixer, mixer.key, head, x)) + 1
        shares = (query @ key.T) * (allowed & visible)
        return shares / shares.sum(-1, keepdim=True).masked_fill(~keep.unsqueeze(1), 1.0)
    if kind == "DotProductAttention":
        query = _project(mixer, mixer.query, head, x)
        scores = query @ _project(mixer, mixer.key, head, x).T / math.sqrt(mixer.spec.head_size)
    else:
        scores = position_scores(mixer, head)[-width:, -width:]
    return _softmax(scores, allowed, visible, mixer.spec.mask_after_softmax)


def _softmax(scores: Tensor, allowed: Tensor, visible: Tensor, mask_after: bool) -> Tensor:
    mask = allowed if mask_after else allowed & visible
    weights = scores.masked_fill(~mask, float("-inf")).softmax(-1)
    # A padded query has no key: 0/0 there.
    return torch.where(mask.any(-1, keepdim=True), weights, 0.0) * visible


def _project(mixer: Mixer, linear: nn.Linear, head: int, x: Tensor) -> Tensor:
    size = mixer.spec.head_size
    part = slice(head * size, (head + 1) * size)
    out = x @ linear.weight[part].T
    return out if linear.bias is None else out + linear.bias[part]
