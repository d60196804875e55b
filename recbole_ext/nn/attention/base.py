"""What every mixer is given and what it must return."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_ext.nn.attending import Attending, Attention
from recbole_ext.nn.dropout import Dropout


@dataclass(frozen=True)
class Sublayers:
    """What each mixer of a sum has of its own behind it: dropout, the residual, LayerNorm."""

    norm_eps: float
    dropout: float


@dataclass(frozen=True)
class MixerSpec:
    """The sizes and switches of one mixer.

    Attributes:
        hidden_size: d, the width of a position's vector.
        max_length: n, the largest number of positions.
        n_heads: h; divides ``hidden_size``.
        dropout: probability of dropping an attention weight in training.
        causal: a position sees itself and earlier ones only (AR); else all real positions (AE).
        value_bias: add b in V x + b.
        output_projection: a d x d map after the heads are joined.
        factor_rank: k of factorised positional attention.
        pattern: which fixed pattern.
        frequencies: c of the frequency filter: how many it keeps, the constant among them.
        filter_both_ways: the frequency filter of AR sees later items too.
        shares: of the mixers of a sum, in their order; empty: 1 each.
        sublayers: those mixers are sublayers of their own; None: their outputs are summed.
        mask_after_softmax: FPARec paper, Eq. 6 and 7: normalise over past and future, then mask.
        leak_padding: reproduce a defect of the released code: a padded query, with no key to look
            at, averages all positions, later ones included.
        unused_qk_projections: carry query and key maps that nothing uses, as the released code of
            PARec and FPARec does; they change the number of parameters and nothing else.
        n_local_heads: how many heads of dot-product attention, the first ones, are local.
        local_attention: what makes them local, a name in ``LOCAL_HEADS``.
        local_window: w of the local heads.
        position_bias: how the scores of dot-product attention know distances: ``none``, ``rotary``
            or ``relative``.
    """

    hidden_size: int
    max_length: int
    n_heads: int = 1
    dropout: float = 0.0
    causal: bool = True
    value_bias: bool = True
    output_projection: bool = False
    factor_rank: int = 40
    pattern: str = "average"
    frequencies: int = 3
    filter_both_ways: bool = False
    shares: tuple[float, ...] = ()
    sublayers: Sublayers | None = None
    mask_after_softmax: bool = False
    leak_padding: bool = False
    unused_qk_projections: bool = False
    n_local_heads: int = 0
    local_attention: str = "window"
    local_window: int = 2
    position_bias: str = "none"

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.n_heads


class Mixer(Attending):
    """Mixes the vectors of one sequence over its positions.

    Sequences are right-aligned: slot w-1 holds the newest item, padding is on the left. A batch of
    width w < n is the lower-right part of the full one: every absolute slot counts from the end.
    """

    @property
    def extends(self) -> bool:
        """Whether a later item leaves what older slots get as it is, wherever they slide.

        It does where the future is masked and slots count by their distance alone. A subclass may
        mix otherwise: it inherits nothing, and one that does not say this anew does not extend.
        """
        return False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "extends" not in vars(cls):
            cls.extends = False  # type: ignore[assignment, method-assign]

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__()
        self.spec = spec
        size = spec.hidden_size
        self.value = nn.Linear(size, size, bias=spec.value_bias)
        self.output = nn.Linear(size, size) if spec.output_projection else nn.Identity()
        self.dropout = Dropout(spec.dropout)

    @abstractmethod
    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        """Mix.

        Args:
            x: [B, w, d], what queries and keys are made of.
            values: [B, w, d], what values are made of (usually ``x``).
            keep: [B, w] bool, true at real items.
            last_only: compute the newest position alone.

        Returns:
            [B, w, d], or [B, 1, d] with ``last_only``; zero at padded positions.
        """

    def weights(self, x: Tensor, keep: Tensor, values: Tensor | None = None) -> Tensor:
        """The attention matrices, for analysis: rows and columns of padded slots are 0.

        Args:
            x: [B, w, d], what queries and keys are made of.
            keep: [B, w].
            values: [B, w, d], what values are made of; None: ``x``.

        Returns:
            [B, s, w, w] of the s heads that have such matrices; a mixer without any says s = 0.
        """
        return x.new_zeros(x.shape[0], 0, x.shape[1], x.shape[1])

    def attention(  # type: ignore[override]
        self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False
    ) -> Attention:
        return Attention([self.weights(x, keep, values)], keep)

    def split_heads(self, x: Tensor) -> Tensor:
        """[B, w, h·(d/h)] -> [B, h, w, d/h]."""
        return x.unflatten(-1, (-1, self.spec.head_size)).transpose(1, 2)

    def finish(self, mixed: Tensor, value: Tensor, keep: Tensor) -> Tensor:
        """Join the heads and settle the padded rows.

        Args:
            mixed: [B, h, q, d/h], what the real queries collected.
            value: [B, w, d], the values they collected it from.
            keep: [B, w].

        Returns:
            [B, q, d], zero at padded positions (``where``, since 0 * nan is nan).
        """
        joined = mixed.transpose(1, 2).flatten(2)
        if self.spec.leak_padding:
            joined = torch.where(_newest(keep, joined), joined, value.mean(1, keepdim=True))
        return self.project(joined, keep)

    def project(self, joined: Tensor, keep: Tensor) -> Tensor:
        """The output projection of [B, q, d]; zero at padded positions unless they leak."""
        out = self.output(joined)
        if self.spec.leak_padding:
            return out
        return torch.where(_newest(keep, out), out, out.new_zeros(()))


def _newest(keep: Tensor, rows: Tensor) -> Tensor:
    """keep [B, w] at the slots of ``rows`` [B, q, d], as [B, q, 1]."""
    return keep[:, keep.shape[1] - rows.shape[1] :].unsqueeze(-1)


def visible_keys(width: int, queries: int, causal: bool, device: torch.device) -> Tensor:
    """[q, w] bool: the key slots in sight of each of the last ``queries`` slots, padding aside."""
    visible = torch.ones(queries, width, dtype=torch.bool, device=device)
    return visible.tril(width - queries) if causal else visible
