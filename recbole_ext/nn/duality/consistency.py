"""How far an item's vector is from what its users make of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CONSISTENCIES = ("cosine", "mse", "infonce")
STOPPED_SIDES = ("none", "item", "dual")


class Consistency:
    """Mean over items of 1 - cos(i', e(i)), of (i' - e(i))², or InfoNCE among the items given.

    InfoNCE (van den Oord et al., arXiv 1807.03748): cross-entropy of cos(i', e(j)) / τ over all
    items j of the step, j = i the right one.

    Args:
        kind: one of :data:`CONSISTENCIES`.
        stopped: the side that no gradient reaches, one of :data:`STOPPED_SIDES`. ``item`` trains
            the dual encoder alone, ``dual`` the items' vectors alone.
        temperature: τ of InfoNCE.
    """

    def __init__(self, kind: str, stopped: str = "none", temperature: float = 1.0) -> None:
        if kind not in CONSISTENCIES or stopped not in STOPPED_SIDES:
            raise ValueError(f"no consistency {kind!r} with {stopped!r} stopped")
        self.kind, self.stopped, self.temperature = kind, stopped, temperature

    def __call__(self, dual: Tensor, items: Tensor) -> Tensor:
        """dual i' [k, d], items e(i) [k, d], k >= 1 distinct items -> scalar."""
        dual = dual.detach() if self.stopped == "dual" else dual
        items = items.detach() if self.stopped == "item" else items
        if self.kind == "mse":
            return F.mse_loss(dual, items)
        if self.kind == "cosine":
            return 1.0 - F.cosine_similarity(dual, items, dim=-1).mean()
        cosines = F.normalize(dual, dim=-1) @ F.normalize(items, dim=-1).T  # [k, k]
        right = torch.arange(len(items), device=items.device)
        return F.cross_entropy(cosines / self.temperature, right)
