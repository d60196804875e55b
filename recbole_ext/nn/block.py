"""One block: a mixer and a feed-forward network, each with LayerNorm and a residual."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer
from recbole_ext.nn.dropout import Dropout


@dataclass(frozen=True)
class BlockStyle:
    """How the parts of a block are wired; the paper and its released code differ in each.

    Attributes:
        norm_position: ``pre`` (x + f(norm(x))) or ``post`` (norm(x + f(x))).
        residual_from: what the residual adds: the sublayer's ``input`` (paper) or its ``normed``
            input (released code, as in SASRec's). Post-norm has only one.
        value_input: values are made of the ``normed`` input (paper) or of the ``raw`` one.
        remask_padding: zero padded positions after each block. Without it what stands there is
            taken for items by the next block, as in the released code: a leak.
        mask_padding: the mixer sees no padding. Without it padded slots are mixed in like items.
        norm_eps: ε of LayerNorm.
        dropout: of the mixer's output before the residual.
    """

    norm_position: str = "pre"
    residual_from: str = "input"
    value_input: str = "normed"
    remask_padding: bool = True
    mask_padding: bool = True
    norm_eps: float = 1e-8
    dropout: float = 0.0


class Block(nn.Module):
    """x [B, w, d] -> [B, w, d] (or its last row)."""

    def __init__(
        self, mixer: Mixer, feed_forward: nn.Module | None, hidden_size: int, style: BlockStyle
    ) -> None:
        super().__init__()
        self.mixer = mixer
        self.feed_forward = feed_forward
        self.style = style
        self.mixer_norm = nn.LayerNorm(hidden_size, eps=style.norm_eps)
        self.mixer_dropout = Dropout(style.dropout)
        if feed_forward is not None:
            self.feed_forward_norm = nn.LayerNorm(hidden_size, eps=style.norm_eps)

    def forward(self, x: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        """keep [B, w] bool. With ``last_only`` the result is [B, 1, d], equal to the last row."""
        x = self._mix(x, keep, last_only)
        if self.feed_forward is not None:
            x = self._sublayer(x, self.feed_forward, self.feed_forward_norm)
        if self.style.remask_padding:
            x = x * keep[:, keep.shape[1] - x.shape[1] :].unsqueeze(-1)
        return x

    def _mix(self, x: Tensor, keep: Tensor, last_only: bool) -> Tensor:
        pre = self.style.norm_position == "pre"
        normed = self.mixer_norm(x) if pre else x
        values = x if self.style.value_input == "raw" else normed
        seen = keep if self.style.mask_padding else torch.ones_like(keep)
        mixed = self.mixer_dropout(self.mixer(normed, values, seen, last_only))
        residual = normed if self.style.residual_from == "normed" else x
        summed = residual[:, -mixed.shape[1] :] + mixed
        return summed if pre else self.mixer_norm(summed)

    def _sublayer(self, x: Tensor, function: nn.Module, norm: nn.Module) -> Tensor:
        if self.style.norm_position == "post":
            return norm(x + function(x))
        normed = norm(x)
        return (normed if self.style.residual_from == "normed" else x) + function(normed)


class ParallelBlock(Block):
    """A block whose mixer is a sum of sublayers: residuals and LayerNorms are inside it."""

    def __init__(
        self, mixer: Mixer, feed_forward: nn.Module | None, hidden_size: int, style: BlockStyle
    ) -> None:
        super().__init__(mixer, feed_forward, hidden_size, style)
        del self.mixer_norm, self.mixer_dropout

    def _mix(self, x: Tensor, keep: Tensor, last_only: bool) -> Tensor:
        seen = keep if self.style.mask_padding else torch.ones_like(keep)
        mixed: Tensor = self.mixer(x, x, seen, last_only)
        return mixed
