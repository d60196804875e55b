"""Tables with one entry for each distance between a query and a key."""

from __future__ import annotations

import torch
from torch import Tensor


def n_distances(max_length: int, causal: bool) -> int:
    """Entries of a table: distances 0 to n-1 (causal), or 1-n to n-1."""
    return max_length if causal else 2 * max_length - 1


def distances(max_length: int, causal: bool) -> Tensor:
    """The distance i - j that each entry of a table stands for, [n] or [2n-1]."""
    return torch.arange(0 if causal else 1 - max_length, max_length)


def spread(table: Tensor, queries: int, width: int, max_length: int, causal: bool) -> Tensor:
    """[h, reach] -> [h, q, w]: entry i - j for the last ``queries`` slots i and all slots j.

    Distances beyond the longest are taken for the longest; causal ones below 0 for 0.
    """
    slots = torch.arange(width, device=table.device)
    distance = slots[-queries:, None] - slots[None, :]  # [q, w], i - j
    longest = max_length - 1
    first = 0 if causal else -longest
    index = distance.clamp(first, longest) - first
    return table.index_select(1, index.flatten()).unflatten(1, (queries, width))
