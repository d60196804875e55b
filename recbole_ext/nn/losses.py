"""Cross-entropy over a whole catalogue without ever keeping its logits.

For P positions and V items the logits hold P x V numbers, the largest tensor of a training step by
far. Here they are formed for a few positions at a time, and the gradients of that chunk are formed
at once, in the forward pass: for one position with state h, target t, softmax p and weight w,

    loss = w (log Σ_j exp(h·e_j) - h·e_t)
    ∂h   = w (Σ_j p_j e_j - e_t)        ∂e_j = w (p_j - [j = t]) h

The backward pass only scales what the forward pass has formed.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from recbole_ext.nn.loss_chunks import Chunk, by_exponentials, by_softmax

# Bytes of a chunk's logits, measured: on a CPU they should stay in the outer cache, and bf16
# products want longer chunks than fp32 ones; a GPU wants few launches.
CPU_CHUNK_BYTES = {torch.bfloat16: 14_000_000}
CPU_CHUNK_BYTES_EXACT = 6_000_000
GPU_CHUNK_BYTES = 1_000_000_000
# Positions are filled up to a multiple of this with ones of weight 0: oneDNN builds and keeps a
# bf16 kernel for every shape it meets, which took a third of the time and 2 MB a step.
POSITION_STEP = 64


def linear_cross_entropy(
    hidden: Tensor,
    table: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    *,
    first_class: int = 0,
    last_class: int | None = None,
    precision: str = "auto",
    chunk_size: int | None = None,
) -> Tensor:
    """Weighted sum of the cross-entropies of softmax(hidden · tableᵀ).

    Args:
        hidden: [P, d] states; gradients flow.
        table: [R, d] item embeddings; gradients flow (into tied weights they accumulate).
        targets: [P] rows of ``table``, each in [first_class, last_class).
        weights: [P] weight of each position (no gradient); 1/P each where absent, the mean.
        first_class, last_class: the rows that are classes: a PAD row in front and a [MASK] row
            behind are left out of the softmax.
        precision: ``float32`` exact, ``bfloat16`` products with fp32 sums, or ``auto``: bfloat16
            only where the hardware multiplies it.
        chunk_size: positions at a time; chosen by the catalogue's size where absent.

    Returns:
        A scalar.

    Raises:
        ValueError: a target outside the classes would silently train another item.
    """
    last_class = table.shape[0] if last_class is None else last_class
    check_targets(targets, first_class, last_class)
    if weights is None:
        weights = hidden.new_full((hidden.shape[0],), 1.0 / max(hidden.shape[0], 1))
    dtype = product_dtype(precision, hidden)
    chunk = chunk_size or default_chunk(last_class - first_class, dtype, hidden.device)
    classes = (first_class, last_class)
    missing = -hidden.shape[0] % POSITION_STEP
    if dtype == torch.bfloat16 and missing:
        hidden = F.pad(hidden, (0, 0, 0, missing))
        targets = F.pad(targets, (0, missing), value=first_class)
        weights = F.pad(weights, (0, missing))
    return _LinearCrossEntropy.apply(hidden, table, targets, weights, classes, dtype, chunk)


def check_targets(targets: Tensor, first: int, last: int) -> None:
    """On a GPU the look would stall the queue, and its own bounds check fires anyway."""
    if targets.is_cuda or not targets.numel():
        return
    if not first <= int(targets.min()) <= int(targets.max()) < last:
        raise ValueError(f"a target lies outside the classes [{first}, {last})")


def product_dtype(precision: str, like: Tensor) -> torch.dtype:
    """The dtype of the matrix products for ``precision``."""
    if precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(like.device)):
        return torch.bfloat16 if like.dtype != torch.float64 else like.dtype
    return torch.promote_types(like.dtype, torch.float32)


# Intel's matrix unit; the dot products of AMD's Zen 4 and later, 3 to 4 times faster than float32.
FAST_BFLOAT16_UNITS = ("amx_bf16", "avx512_bf16")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` has units that multiply bfloat16 matrices."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    if hasattr(torch.cpu, "get_capabilities"):
        found = torch.cpu.get_capabilities()
        return any(found.get(unit) for unit in FAST_BFLOAT16_UNITS)
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def default_chunk(classes: int, dtype: torch.dtype, device: torch.device) -> int:
    """Positions whose logits make a chunk of the right size, a multiple of the step."""
    if device.type == "cpu":
        size = CPU_CHUNK_BYTES.get(dtype, CPU_CHUNK_BYTES_EXACT)
    else:
        size = GPU_CHUNK_BYTES
    fitting = size // (max(classes, 1) * dtype.itemsize)
    return max(POSITION_STEP, fitting // POSITION_STEP * POSITION_STEP)


class _LinearCrossEntropy(torch.autograd.Function):
    """The gradients are formed in ``forward`` and scaled in ``backward``."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        table: Tensor,
        targets: Tensor,
        weights: Tensor,
        classes: tuple[int, int],
        dtype: torch.dtype,
        chunk: int,
    ) -> Tensor:
        first, last = classes
        wide = torch.promote_types(hidden.dtype, torch.float32)
        items = table[first:last]
        products = items.to(dtype)  # [V, d]
        loss = torch.zeros((), dtype=wide, device=hidden.device)
        grad_hidden = torch.empty(hidden.shape, dtype=wide, device=hidden.device)
        grad_table = torch.zeros(table.shape, dtype=wide, device=hidden.device)
        exact = hidden.device.type == "cpu" and dtype == wide
        form = by_exponentials if exact else by_softmax
        # Made once: a C library gives blocks of this size back to the system and gets them anew,
        # page by page, which took longer than the products that fill them.
        room = products.new_empty(2, min(chunk, hidden.shape[0]) * products.shape[0])
        # Mixed precision is this function's own business: autocast would override ``dtype``.
        with torch.autocast(hidden.device.type, enabled=False):
            for start in range(0, hidden.shape[0], chunk):
                part = slice(start, start + chunk)
                loss += form(
                    Chunk(
                        hidden[part].to(wide),
                        items,
                        products,
                        targets[part] - first,
                        weights[part].to(wide),
                        grad_hidden[part],
                        grad_table[first:last],
                        room,
                    )
                )
        ctx.save_for_backward(grad_hidden.to(hidden.dtype), grad_table.to(table.dtype))
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_output: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_table = ctx.saved_tensors
        (scale,) = grad_output
        return grad_hidden * scale, grad_table * scale, None, None, None, None, None
