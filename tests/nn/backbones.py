"""Tiny backbones with random parameters, and padded sequences of vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recbole_ext.nn.backbone import BackboneSpec, HuggingFaceEncoder

FAMILIES = ("llama", "albert", "xlnet", "gpt2", "qwen3", "modernbert", "bert")
HIDDEN = 16
LENGTH = 7  # n
LENGTHS = (7, 5, 4, 2, 1)  # real items of the rows of a batch
TINY = BackboneSpec("llama", HIDDEN, n_layers=2, n_heads=2, inner_size=24, max_length=LENGTH)


def tiny(family: str, causal: bool = True, **changes: Any) -> BackboneSpec:
    return BackboneSpec(**{**vars(TINY), "family": family, "causal": causal, **changes})


def build(
    family: str, causal: bool = True, seed: int = 0, random: bool = True, **changes: Any
) -> HuggingFaceEncoder:
    """In eval mode; ``random`` gives every parameter a visible effect."""
    torch.manual_seed(seed)
    encoder = HuggingFaceEncoder(tiny(family, causal, **changes))
    if random:
        with torch.no_grad():
            for parameter in encoder.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return encoder.eval()


def keep_of(lengths: tuple[int, ...] = LENGTHS, width: int = LENGTH, left: bool = True) -> Tensor:
    """[B, w] bool, real slots of right-aligned rows; ``left=False``: padding on the right."""
    slots = torch.arange(width).expand(len(lengths), -1)
    if left:
        return slots >= width - torch.tensor(lengths).unsqueeze(1)
    return slots < torch.tensor(lengths).unsqueeze(1)


def vectors(lengths: tuple[int, ...] = LENGTHS, seed: int = 1) -> list[Tensor]:
    """One [length, d] a row."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(length, HIDDEN, generator=generator) for length in lengths]


def padded(rows: list[Tensor], keep: Tensor, filling: float = 0.0) -> Tensor:
    """The rows at the real slots of ``keep``; normal numbers times ``filling`` elsewhere."""
    x = filling * torch.randn(*keep.shape, HIDDEN, generator=torch.Generator().manual_seed(9))
    for target, real, row in zip(x, keep, rows, strict=True):
        target[real] = row
    return x
