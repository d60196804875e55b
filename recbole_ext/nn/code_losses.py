"""Cross-entropy over all items whose logits are sums of partial products of their codes.

As in :mod:`recbole_ext.nn.losses` the logits of a few positions are formed at a time, and their
gradients at once. For one position with partial products s[m, k], item codes c_m(i), softmax p,
target t and weight w,

    logit_i  = Σ_m s[m, c_m(i)]
    ∂s[m, k] = w (Σ_{i: c_m(i) = k} p_i - [c_m(t) = k])

so that neither item vectors nor their gradients exist: only M K numbers a position.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from recbole_ext.nn.codes import flat_codes
from recbole_ext.nn.embedding.padding import PAD
from recbole_ext.nn.loss_chunks import LOG2_E
from recbole_ext.nn.losses import check_targets, default_chunk


def code_cross_entropy(
    partial: Tensor,
    codes: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    chunk_size: int | None = None,
) -> Tensor:
    """Weighted sum of the cross-entropies over all items but PAD, in float32 or wider.

    Args:
        partial: [P, M, K] products of queries and code vectors; gradients flow.
        codes: [V, M] by item id, PAD (row 0) included and no class.
        targets: [P] item ids.
        weights: [P] (no gradient); 1/P each where absent, the mean.
        chunk_size: positions at a time; chosen by the catalogue's size where absent.

    Raises:
        ValueError: a target is no item.
    """
    check_targets(targets, PAD + 1, len(codes))
    # Mixed precision would add up thousands of chunks in bfloat16.
    partial = partial.to(torch.promote_types(partial.dtype, torch.float32))
    if weights is None:
        weights = partial.new_full((len(partial),), 1.0 / max(len(partial), 1))
    chunk = chunk_size or default_chunk(len(codes), partial.dtype, partial.device)
    rows = flat_codes(codes[PAD + 1 :], partial.shape[2])
    loss: Tensor = _CodeCrossEntropy.apply(
        partial.flatten(1), rows, targets - (PAD + 1), weights, chunk
    )
    return loss


class _CodeCrossEntropy(torch.autograd.Function):
    """The gradients are formed in ``forward`` and scaled in ``backward``."""

    @staticmethod
    def forward(
        ctx: Any, partial: Tensor, rows: Tensor, targets: Tensor, weights: Tensor, chunk: int
    ) -> Tensor:
        members, offsets = _items_of_codes(rows, partial.shape[1])
        loss, gradient = partial.new_zeros(()), torch.empty_like(partial)
        for start in range(0, len(partial), chunk):
            part = slice(start, start + chunk)
            table = (partial[part] * LOG2_E).T.contiguous()  # [M K, C]; powers of 2 are faster
            weight, target = weights[part].to(partial.dtype), targets[part]
            logits = F.embedding_bag(rows, table, mode="sum")  # [V, C]
            wanted = logits.gather(0, target.unsqueeze(0)).squeeze(0)
            highest = logits.amax(0)
            shares = logits.sub_(highest).exp2_()
            total = shares.sum(0)
            loss += ((total.log2() + highest - wanted) / LOG2_E * weight).sum()
            pushed = F.embedding_bag(members, shares, offsets, mode="sum")  # [M K, C]
            pushed *= weight / total
            pushed.scatter_add_(0, rows[target].T, -weight.expand(rows.shape[1], -1))
            gradient[part] = pushed.T
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_output: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        (scale,) = grad_output
        return gradient * scale, None, None, None, None


def _items_of_codes(rows: Tensor, n_rows: int) -> tuple[Tensor, Tensor]:
    """The items that have each row of the table, one after another, and where each row's begin."""
    flat = rows.flatten()
    order = flat.argsort(stable=True)
    counts = torch.bincount(flat, minlength=n_rows)
    return order // rows.shape[1], counts.cumsum(0) - counts
