"""The best items of each row, in an order that nothing but the scores and the ids decides."""

from __future__ import annotations

import torch
from torch import Tensor


def top_k(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Scores [B, V] -> values [B, k] and columns [B, k], highest first, ties by column ascending.

    ``torch.topk`` takes any of the columns that tie for the last place. Where more tie than fit
    (the next value is as high), the row is sorted whole.
    """
    values, columns = torch.topk(scores, min(k + 1, scores.shape[1]), dim=1)
    last, following, columns = values[:, k - 1], values[:, k:], columns[:, :k]
    crowded = (following == last.unsqueeze(1)).any(1) & (last > -torch.inf)
    if crowded.any():
        order = torch.sort(scores[crowded], dim=1, descending=True, stable=True).indices
        columns[crowded] = order[:, :k]
    columns = columns.sort(1).values
    values, order = scores.gather(1, columns).sort(dim=1, descending=True, stable=True)
    return values, columns.gather(1, order)
