"""A stack of blocks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer
from recbole_ext.nn.block import Block, BlockStyle


class Encoder(nn.Module):
    """Blocks, then (pre-norm) a final LayerNorm.

    Args:
        n_layers: number of blocks.
        hidden_size: d.
        make_mixer: builds one mixer; called once per block.
        make_feed_forward: builds one feed-forward network.
        style: how each block is wired.
        feed_forward_per_block: one network in each block (paper, Eq. 8), or a single one after the
            last block (released code).
    """

    def __init__(
        self,
        n_layers: int,
        hidden_size: int,
        make_mixer: Callable[[], Mixer],
        make_feed_forward: Callable[[], nn.Module],
        style: BlockStyle,
        feed_forward_per_block: bool = True,
    ) -> None:
        super().__init__()
        self.remask_padding = style.remask_padding
        last = n_layers - 1
        self.blocks = nn.ModuleList(
            Block(
                make_mixer(),
                make_feed_forward() if feed_forward_per_block or layer == last else None,
                hidden_size,
                style,
            )
            for layer in range(n_layers)
        )
        pre = style.norm_position == "pre"
        self.final_norm = nn.LayerNorm(hidden_size, eps=style.norm_eps) if pre else nn.Identity()

    def forward(self, x: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        """x [B, w, d], keep [B, w] -> [B, w, d]; with ``last_only`` [B, 1, d], its last row.

        Only the last block can save work with ``last_only``: the others feed every key.
        """
        last = len(self.blocks) - 1
        for layer, block in enumerate(self.blocks):
            if layer == 1 and not self.remask_padding:
                keep = torch.ones_like(keep)  # the defect: padding is now taken for items
            x = block(x, keep, last_only and layer == last)
        return self.final_norm(x)
