"""The mixers under test, tiny networks of them with random parameters, and padded sequences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.nn.attention import MIXERS, Mixer, MixerSpec, PositionOnlyMixer, build_mixer
from recbole_ext.nn.attention.dot_product import DotProductAttention
from recbole_ext.nn.attention.fixed import PATTERNS
from recbole_ext.nn.attention.local import LOCAL_HEADS, LocalScores, LocalValues
from recbole_ext.nn.attention.local.rnn import WindowGRU
from recbole_ext.nn.block import BlockStyle
from recbole_ext.nn.embedding import ItemEncoder, SequenceEmbedding
from recbole_ext.nn.encoder import Encoder
from recbole_ext.nn.feed_forward import FeedForward

HIDDEN = 8
LENGTH = 7  # n
N_ITEMS = 30
LENGTHS = (7, 5, 4, 2, 1)  # real items of the rows of a batch


@dataclass(frozen=True)
class Case:
    """One mixer, or several joined by +, with the settings that are its own."""

    mixer: str
    settings: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return "-".join([self.mixer, *(str(value) for _, value in self.settings)])

    @property
    def names(self) -> list[str]:
        return self.mixer.split("+")

    def spec(self, **changes: Any) -> MixerSpec:
        base = MixerSpec(HIDDEN, LENGTH, n_heads=2, factor_rank=3)
        return replace(base, **dict(self.settings), **changes)

    def build(self, seed: int = 0, **changes: Any) -> Mixer:
        torch.manual_seed(seed)
        mixer = build_mixer(self.names, self.spec(**changes))
        randomize(mixer)
        return mixer.eval()


# Every registered mixer is here by itself: a new one is tested from its first line in MIXERS.
CASES = [Case(name) for name in MIXERS if name != "fixed_pattern"]
CASES += [Case("fixed_pattern", (("pattern", pattern),)) for pattern in PATTERNS]
# The first head is local, the others (if there are any) are not.
LOCAL_HEAD = (("n_local_heads", 1),)
LOCAL_CASES = [
    Case("dot_product", (("local_attention", kind), *LOCAL_HEAD)) for kind in LOCAL_HEADS
]
CASES += LOCAL_CASES
CASES += [Case("dot_product", (("position_bias", bias),)) for bias in ("rotary", "relative")]
CASES += [
    Case("dot_product", (("position_bias", "relative"), ("local_attention", kind), *LOCAL_HEAD))
    for kind in ("conv", "initial")
]
SOFTMAX_BY_POSITION = [
    case
    for case in CASES
    if issubclass(MIXERS[case.mixer], PositionOnlyMixer) and case.mixer != "token_mixing"
]
MASKED_AFTER = [
    Case(case.mixer, (*case.settings, ("mask_after_softmax", True))) for case in SOFTMAX_BY_POSITION
]
CASES += [
    Case("dot_product+positional"),
    Case("linear+fixed_pattern+relative_positional"),
    Case("token_mixing+dot_product", (("local_attention", "window"), *LOCAL_HEAD)),
]
ALL_CASES = CASES + MASKED_AFTER
# The filter of frequencies has no map of values and no weights to drop.
ATTENTIONS = [case for case in CASES if case.mixer != "frequency_filter"]

# Heads, output projection, norm position.
SHAPES = [
    (heads, projection, norm)
    for heads in (1, 4)
    for projection in (False, True)
    for norm in ("pre", "post")
]


@torch.no_grad()
def randomize(module: nn.Module) -> None:
    """Give each parameter an effect: LayerNorm biases, map biases and position scores included."""
    for part in module.modules():
        if isinstance(part, nn.LayerNorm):
            part.weight.normal_(1.0, 0.3)
            part.bias.normal_(0.0, 0.5)
        elif isinstance(part, nn.Linear) and part.bias is not None:
            part.bias.normal_(0.0, 0.3)
        elif isinstance(part, PositionOnlyMixer | DotProductAttention):
            for table in part.parameters(recurse=False):
                table.normal_()
        elif isinstance(part, LocalScores | LocalValues | WindowGRU):
            for table in part.parameters(recurse=False):
                table.normal_(std=0.3)


class Net(nn.Module):
    """Embedding and encoder: right-aligned ids [B, w] -> states [B, w, d]."""

    def __init__(self, embedding: SequenceEmbedding, encoder: Encoder) -> None:
        super().__init__()
        self.embedding = embedding
        self.encoder = encoder

    def forward(self, item_seq: Tensor, last_only: bool = False) -> Tensor:
        keep = item_seq != 0
        return self.encoder(self.embedding(item_seq, keep), keep, last_only)


def build_net(
    case: Case,
    n_layers: int = 2,
    learned_positions: bool = True,
    ffn_per_block: bool = True,
    style: BlockStyle | None = None,
    dropout: float = 0.0,
    seed: int = 0,
    **changes: Any,
) -> Net:
    """A network with random parameters in eval mode; ``changes`` go to the mixer's spec."""
    torch.manual_seed(seed)
    style = style or BlockStyle()
    spec = case.spec(leak_padding=not style.remask_padding, **changes)
    norm = nn.LayerNorm(HIDDEN) if style.norm_position == "post" else None
    embedding = SequenceEmbedding(
        ItemEncoder(N_ITEMS, HIDDEN), LENGTH, learned_positions, True, dropout=dropout, norm=norm
    )
    embedding.initialize(std=0.3)
    encoder = Encoder(
        n_layers,
        HIDDEN,
        lambda: build_mixer(case.names, spec),
        lambda: FeedForward(HIDDEN, 2 * HIDDEN, "relu", dropout),
        style,
        ffn_per_block,
    )
    net = Net(embedding, encoder)
    randomize(net)
    return net.eval()


def sequences(
    lengths: tuple[int, ...] = LENGTHS, width: int | None = None, seed: int = 1
) -> Tensor:
    """Right-aligned random ids [B, w], padded with 0 on the left; equal rows whatever the width."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randint(1, N_ITEMS, (length,), generator=generator) for length in lengths]
    width = width or max(lengths)
    ids = torch.zeros(len(rows), width, dtype=torch.int64)
    for target, row in zip(ids, rows, strict=True):
        target[width - len(row) :] = row
    return ids


def vectors(keep: Tensor, seed: int = 2, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random x [B, w, d]; padded slots hold numbers too, which must not matter."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*keep.shape, HIDDEN, generator=generator, dtype=dtype)
