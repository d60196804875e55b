"""Slow mixers, written anew from the equations: one batch row, one head, one softmax at a time."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.attention import Mixer, SumOfMixers


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
    parts = mixer.parts if isinstance(mixer, SumOfMixers) else [mixer]
    out = torch.stack([_joined(part, x, values, keep, drop) for part in parts]).sum(0)
    if isinstance(mixer.output, nn.Linear):
        out = out @ mixer.output.weight.T + mixer.output.bias
    return out * keep.unsqueeze(-1)


def _joined(mixer: Mixer, x: Tensor, values: Tensor, keep: Tensor, drop: Tensor | None) -> Tensor:
    """[B, w, d] of all heads, before the projection."""
    if type(mixer).__name__ == "FrequencyFilter":
        return torch.stack([_filtered(mixer, values[b], keep[b]) for b in range(x.shape[0])])
    rows = [
        torch.cat([_head(mixer, h, x[b], values[b], keep[b], drop) for h in _heads(mixer)], -1)
        for b in range(x.shape[0])
    ]
    return torch.stack(rows)


def _filtered(mixer: Mixer, values: Tensor, keep: Tensor) -> Tensor:
    """[w, d]: torch's Fourier transform; causal: one for each slot, of the items up to it."""
    n, width = mixer.spec.max_length, len(keep)
    row = torch.zeros(n, values.shape[1], dtype=values.dtype)
    row[n - width :] = values * keep.unsqueeze(-1)
    seen = [row * (torch.arange(n) <= slot).unsqueeze(-1) for slot in range(n)]
    low = _slow_changes(row, mixer.spec.frequencies)
    if mixer.spec.causal:
        low = torch.stack([_slow_changes(seen[i], mixer.spec.frequencies)[i] for i in range(n)])
    return (low + mixer.high**2 * (row - low))[n - width :]


def _slow_changes(row: Tensor, kept: int) -> Tensor:
    spectrum = torch.fft.rfft(row, dim=0)
    spectrum[kept:] = 0
    return torch.fft.irfft(spectrum, n=len(row), dim=0)


def _heads(mixer: Mixer) -> range:
    return range(mixer.spec.n_heads)


def _head(
    mixer: Mixer, head: int, x: Tensor, values: Tensor, keep: Tensor, drop: Tensor | None
) -> Tensor:
    """[w, d/h] of one row and head."""
    value = _project(mixer, mixer.value, head, values)
    if head < mixer.spec.n_local_heads and mixer.spec.local_attention in ("conv", "rnn"):
        return _local_values(mixer, head, value, keep)
    weights = _weights(mixer, head, x, value, keep)
    if drop is not None:
        weights = weights * drop[head]
    return weights @ value


def _local_values(mixer: Mixer, head: int, value: Tensor, keep: Tensor) -> Tensor:
    """LOCKER's convolution and recurrence: slot by slot over the real neighbours."""
    rows = []
    for i in range(len(keep)):
        if mixer.spec.local_attention == "conv":
            rows.append(_convolved(mixer, head, value, keep, i))
            continue
        w, last = mixer.spec.local_window, len(keep) - 1
        past = [j for j in range(max(0, i - w + 1), i + 1) if keep[j]]
        state = _read(mixer.local_values.past, head, value[past])
        if not mixer.spec.causal:
            future = [j for j in range(min(last, i + w - 1), i - 1, -1) if keep[j]]
            state = (state + _read(mixer.local_values.future, head, value[future])) / 2
        rows.append(state)
    return torch.stack(rows)


def _convolved(mixer: Mixer, head: int, value: Tensor, keep: Tensor, i: int) -> Tensor:
    w = mixer.spec.local_window
    out = torch.zeros_like(value[i])
    for offset in range(-w, 1 if mixer.spec.causal else w + 1):
        if 0 <= i + offset < len(keep) and keep[i + offset]:
            out = out + mixer.local_values.taps[offset + w, head, 0] * value[i + offset]
    return out


def _read(gru: nn.Module, head: int, items: Tensor) -> Tensor:
    """The state of torch's own GRU cell after ``items`` [m, d/h]."""
    size = items.shape[-1]
    cell = nn.GRUCell(size, size).double()
    weights = {
        "weight_ih": gru.input[head].T,
        "bias_ih": gru.input_bias[head, 0],
        "weight_hh": gru.state[head].T,
        "bias_hh": gru.state_bias[head, 0],
    }
    state = torch.zeros(size, dtype=items.dtype)
    for item in items:
        state = torch.func.functional_call(cell, weights, (item, state))
    return state


def _local_scores(mixer: Mixer, head: int, scores: Tensor, value: Tensor) -> Tensor:
    """LOCKER's window, initialisation and adaptive scores, pair by pair."""
    spec, local, out = mixer.spec, mixer.local_scores, torch.empty_like(scores)
    for i in range(len(scores)):
        for j in range(len(scores)):
            distance = max(i - j, 0) if spec.causal else i - j + spec.max_length - 1
            if spec.local_attention == "window":
                near = abs(i - j) <= spec.local_window
                out[i, j] = scores[i, j] if near else float("-inf")
            elif spec.local_attention == "initial":
                out[i, j] = scores[i, j] / (1 + torch.exp(-local.by_distance[head, distance] / 0.1))
            else:
                pair = local.by_distance[head, distance] + value[i] + value[j]
                hidden = torch.relu(pair @ local.expand[head] + local.expand_bias[head, 0])
                out[i, j] = scores[i, j] + hidden @ local.contract[head]
    return out


def _weights(mixer: Mixer, head: int, x: Tensor, value: Tensor, keep: Tensor) -> Tensor:
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
        scores = _dot_products(mixer, head, x)
        if head < mixer.spec.n_local_heads:
            scores = _local_scores(mixer, head, scores, value)
    else:
        scores = position_scores(mixer, head)[-width:, -width:]
    return _softmax(scores, allowed, visible, mixer.spec.mask_after_softmax)


def _dot_products(mixer: Mixer, head: int, x: Tensor) -> Tensor:
    """[w, w] scaled; heads without scores come first and have no queries and keys."""
    row = head - mixer.spec.n_heads + mixer.scoring_heads
    query = _project(mixer, mixer.query, row, x)
    key = _project(mixer, mixer.key, row, x)
    if mixer.spec.position_bias == "rotary":
        query, key = _rotated(query), _rotated(key)
    scores = query @ key.T / math.sqrt(mixer.spec.head_size)
    if mixer.spec.position_bias != "relative":
        return scores
    i, j = torch.meshgrid(torch.arange(len(x)), torch.arange(len(x)), indexing="ij")
    bias = mixer.by_distance[row]
    n = mixer.spec.max_length
    return scores + (bias[(i - j).clamp(min=0)] if mixer.spec.causal else bias[i - j + n - 1])


def _rotated(x: Tensor) -> Tensor:
    """Pairs as complex numbers, times e^(i · slot · θ); any slot will do as the first."""
    half = x.shape[1] // 2
    turned = torch.complex(x[:, :half], x[:, half:])
    speeds = torch.tensor([10_000.0 ** (-t / half) for t in range(half)], dtype=x.dtype)
    slots = torch.arange(len(x), dtype=x.dtype)
    angles = slots[:, None] * speeds
    turned = turned * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], 1)


def _softmax(scores: Tensor, allowed: Tensor, visible: Tensor, mask_after: bool) -> Tensor:
    mask = scores.isfinite() & (allowed if mask_after else allowed & visible)
    weights = scores.masked_fill(~mask, float("-inf")).softmax(-1)
    # A padded query has no key: 0/0 there.
    return torch.where(mask.any(-1, keepdim=True), weights, 0.0) * visible


def _project(mixer: Mixer, linear: nn.Linear, head: int, x: Tensor) -> Tensor:
    size = mixer.spec.head_size
    part = slice(head * size, (head + 1) * size)
    out = x @ linear.weight[part].T
    return out if linear.bias is None else out + linear.bias[part]
