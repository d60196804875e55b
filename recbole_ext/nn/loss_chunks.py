"""The cross-entropy of some positions over a whole catalogue, with its gradients, in two forms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LOG2_E = 1.0 / math.log(2.0)
# A sum of exponentials up to which neither it nor a weight divided by it leaves float32's range.
MOST = 2.0**100


@dataclass(frozen=True)
class Chunk:
    """C positions of a loss over V items.

    Attributes:
        hidden: [C, d] states.
        items, products: [V, d] embeddings, and the same in the dtype of the matrix products.
        targets: [C] rows of ``items``.
        weights: [C].
        grad_hidden: [C, d] where the gradient of ``hidden`` is written.
        grad_items: [V, d] what the gradient of ``items`` is added to.
        room: [2, at least C V] memory, in the dtype of the products.
    """

    hidden: Tensor
    items: Tensor
    products: Tensor
    targets: Tensor
    weights: Tensor
    grad_hidden: Tensor
    grad_items: Tensor
    room: Tensor

    def finish(self, mean: Tensor) -> None:
        """The gradient of the states, and the target's own part of the items'.

        It is exact in every precision: it is subtracted outside the products.

        Args:
            mean: [C, d] of the item vectors, by their shares.
        """
        weights = self.weights.unsqueeze(1)
        pulled = mean.to(self.grad_hidden.dtype) - self.items.index_select(0, self.targets)
        torch.mul(pulled, weights, out=self.grad_hidden)
        self.grad_items.index_add_(0, self.targets, self.hidden * weights, alpha=-1.0)


def by_exponentials(part: Chunk) -> Tensor:
    """The weighted sum of losses; with s_j = exp(h·e_j - h·e_t): log Σ_j s_j, shares s_j / Σ_j s_j.

    The target's logit stands where a softmax subtracts the largest one, so no pass over the logits
    looks for that, and none divides them: Σ s goes into the gradients, which are d wide. A power of
    2 is computed faster than one of e. A chunk with a target whose share is below 2^-100 goes the
    other way.

    The products must have the dtype of the states; mixed precision may have made the items of
    another.
    """
    shape = (part.products.shape[0], part.hidden.shape[0])
    powers = part.room[0, : shape[0] * shape[1]].view(shape)  # [V, C]: the faster product
    scaled = part.hidden * LOG2_E
    torch.mm(part.products, scaled.T, out=powers)
    own = (scaled * part.products.index_select(0, part.targets)).sum(1)
    total = powers.sub_(own).exp2_().sum(0)  # [C], the target's own 1 among them
    if not bool((total <= MOST).all()):
        return by_softmax(part)
    weighted = part.hidden * (part.weights / total).unsqueeze(1)
    torch.addmm(part.grad_items, powers, weighted, out=part.grad_items)
    part.finish((powers.T @ part.products) / total.unsqueeze(1))
    return (total.log() * part.weights).sum()


def by_softmax(part: Chunk) -> Tensor:
    """The weighted sum of losses by the softmax of the logits, in any precision, of any logits."""
    shape = (part.hidden.shape[0], part.products.shape[0])
    logits, share = (block[: shape[0] * shape[1]].view(shape) for block in part.room)  # [C, V]
    torch.mm(part.hidden.to(part.products.dtype), part.products.T, out=logits)
    torch.softmax(logits, -1, out=share)  # sums in fp32, also for bf16
    loss = (_cross_entropy(logits, share, part.targets.unsqueeze(1)) * part.weights).sum()
    weighted = (part.hidden * part.weights.unsqueeze(1)).to(part.products.dtype)
    _add_product(part.grad_items, share.T, weighted)
    part.finish(share @ part.products)
    return loss


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """``total += left @ right``, in one pass where all are of one dtype."""
    if total.dtype == left.dtype:
        torch.addmm(total, left, right, out=total)
    else:
        total.add_(left @ right)


def _cross_entropy(logits: Tensor, share: Tensor, targets: Tensor) -> Tensor:
    """[C] losses of targets [C, 1].

    In bf16 the softmax has already summed in fp32, so its log serves. Else that log would end where
    a share underflows; the largest share, exp(0) / Σ exp(logit - largest), never does.
    """
    if logits.dtype == torch.bfloat16:
        shares = share.gather(1, targets).squeeze(1).float()
        return -shares.clamp(min=torch.finfo(torch.float32).tiny).log()
    log_sum_exp = logits.amax(-1) - share.amax(-1).log()
    return log_sum_exp - logits.gather(1, targets).squeeze(1)
