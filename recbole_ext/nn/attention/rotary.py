"""Rotary position embedding (Su et al. 2021, arXiv 2104.09864)."""

from __future__ import annotations

import torch
from torch import Tensor

BASE = 10_000.0


def rotate(x: Tensor) -> Tensor:
    """Turn the pairs (t, t + d/2h) of each vector by its slot times θ_t = 10000^(-2t/(d/h)).

    The dot product of a rotated query and key then depends on their slots' difference alone.
    Slots count from the sequence's end, the newest being 0, so that trimming changes no angle.

    Args:
        x: [..., q, d/h], d/h even, of the newest q slots.

    Returns:
        The shape of ``x``.
    """
    queries, half = x.shape[-2], x.shape[-1] // 2
    slots = torch.arange(1 - queries, 1, device=x.device, dtype=torch.float32)
    speeds = BASE ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = slots[:, None] * speeds  # [q, d/2h]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
