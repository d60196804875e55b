"""A stack of blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer
from recbole_ext.nn.block import Block, BlockStyle, ParallelBlock


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
        sublayers: the mixer of each block is a sum of sublayers.
    """

    def __init__(
        self,
        n_layers: int,
        hidden_size: int,
        make_mixer: Callable[[], Mixer],
        make_feed_forward: Callable[[], nn.Module],
        style: BlockStyle,
        feed_forward_per_block: bool = True,
        sublayers: bool = False,
    ) -> None:
        super().__init__()
        block = ParallelBlock if sublayers else Block
        self.remask_padding = style.remask_padding
        last = n_layers - 1
        self.blocks = nn.ModuleList(
            block(
                make_mixer(),
                make_feed_forward() if feed_forward_per_block or layer == last else None,
                hidden_size,
                style,
            )
            for layer in range(n_layers)
        )
        self._masks = style.remask_padding and style.mask_padding
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

    @property
    def extends(self) -> bool:
        """Whether a later item changes no older state, so that :meth:`remember` may keep them.

        Of another class's way through its blocks nothing is known.
        """
        ours = (Block, ParallelBlock)
        known = type(self) is Encoder and all(type(block) in ours for block in self.blocks)
        mixers = (cast(Block, block).mixer for block in self.blocks)
        return known and self._masks and all(getattr(one, "extends", False) for one in mixers)

    def remember(
        self, x: Tensor, keep: Tensor, before: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """The newest state [B, 1, d], and what each block has read so far, [B, w, d].

        Args:
            x: [B, w, d]; with ``before`` [B, 1, d], the newest slot alone.
            keep: [B, w] of all slots.
            before: what each block has read of the slots before, as an earlier call gave it.
        """
        last, inputs = len(self.blocks) - 1, []
        for layer, block in enumerate(self.blocks):
            read = x if before is None else torch.cat([before[layer], x], 1)
            inputs.append(read)
            x = block(read, keep, before is not None or layer == last)
        return self.final_norm(x), inputs
