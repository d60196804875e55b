"""Negatives: items drawn at random to stand for the whole catalogue in a loss.

A source draws items i.i.d. from a distribution q. A draw may take n items from each of several
sources; item j is then expected m_j = Σ_sources n_source · q_source(j) times in it, which is what
the logQ correction needs. Draws are with replacement and know nothing of a position's target: a
loss masks the draws that hit it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_ext.nn.embedding import PAD

FIRST_ITEM = PAD + 1


@dataclass(frozen=True)
class Negatives:
    """What was drawn for P positions.

    Attributes:
        ids: [N], the same for all positions, or [P, N].
        log_expected: likewise; log m of each id: how often it was to be expected in one position's
            N draws.
    """

    ids: Tensor
    log_expected: Tensor

    def hits(self, targets: Tensor) -> Tensor:
        """[P, N] bool: draws that equal the position's own target [P]."""
        return self.ids == targets.unsqueeze(1)


class Source(nn.Module, ABC):
    """A distribution over items 1 .. V. PAD and [MASK] are never drawn."""

    @abstractmethod
    def draw(self, shape: tuple[int, ...], targets: Tensor) -> Tensor:
        """Ids of that shape, on the device of ``targets`` [P], the items wanted in this batch."""

    @abstractmethod
    def probability(self, ids: Tensor, positions: int) -> Tensor:
        """q of each id, shaped as ``ids``, in a batch of that many positions."""


class Uniform(Source):
    """Every item alike: q = 1/V."""

    def __init__(self, n_items: int) -> None:
        """``n_items``: V."""
        super().__init__()
        self.n_items = n_items

    def draw(self, shape: tuple[int, ...], targets: Tensor) -> Tensor:
        return torch.randint(FIRST_ITEM, FIRST_ITEM + self.n_items, shape, device=targets.device)

    def probability(self, ids: Tensor, positions: int) -> Tensor:
        return torch.full(ids.shape, 1.0 / self.n_items, dtype=torch.float64, device=ids.device)


class Popularity(Source):
    """q ∝ count^α. An item that was never counted counts as one: q > 0 everywhere.

    Args:
        counts: [V + 1] by item id; PAD's is ignored.
        exponent: α; 0 is uniform, 1 proportional, 0.75 word2vec's.
    """

    share: Tensor
    cumulative: Tensor

    def __init__(self, counts: Tensor, exponent: float) -> None:
        super().__init__()
        share = counts[FIRST_ITEM:].double().clamp(min=1.0) ** exponent
        share = share / share.sum()
        self.register_buffer("share", share, persistent=False)
        self.register_buffer("cumulative", share.cumsum(0), persistent=False)

    def draw(self, shape: tuple[int, ...], targets: Tensor) -> Tensor:
        """By inverting the cumulative distribution: any catalogue, O(log V) a draw."""
        uniform = torch.rand(shape, dtype=torch.float64, device=targets.device)
        places = torch.searchsorted(self.cumulative, uniform, right=True)
        # The sum may end a rounding error below 1.
        return places.clamp(max=len(self.cumulative) - 1) + FIRST_ITEM

    def probability(self, ids: Tensor, positions: int) -> Tensor:
        return self.share[ids - FIRST_ITEM]


class InBatch(Source):
    """The batch's own targets, any position's alike.

    Over batches an item is a target as often as in the training data, so that q is its share there.
    A draw of the position's own target is none (it is masked); of P draws that befalls one:
    q = (P - 1)/P · share. Items that are never a target have q = 0, so that in-batch negatives
    alone cannot estimate the full softmax, however many there are.

    Args:
        counts: [V + 1], how often each item is a training target.
    """

    share: Tensor

    def __init__(self, counts: Tensor) -> None:
        super().__init__()
        share = counts.double() / counts[FIRST_ITEM:].sum()
        self.register_buffer("share", share, persistent=False)

    def draw(self, shape: tuple[int, ...], targets: Tensor) -> Tensor:
        return targets[torch.randint(len(targets), shape, device=targets.device)]

    def probability(self, ids: Tensor, positions: int) -> Tensor:
        return self.share[ids] * ((positions - 1) / positions)


class NegativeSampler(nn.Module):
    """targets [P] -> :class:`Negatives`, from torch's global generator.

    Args:
        sources: each with how many negatives of a draw it gives.
        shared: one draw of [N] ids for the whole batch, else one a position, [P, N].
    """

    def __init__(self, sources: Sequence[tuple[Source, int]], shared: bool) -> None:
        super().__init__()
        self.sources = nn.ModuleList(source for source, _ in sources)
        self.counts = [count for _, count in sources]
        self.shared = shared

    def forward(self, targets: Tensor) -> Negatives:
        rows = () if self.shared else (len(targets),)
        if not len(targets):
            ids = targets.new_empty((*rows, 0))
            return Negatives(ids, ids.double())
        drawn = [
            source.draw((*rows, count), targets)  # type: ignore[operator]
            for source, count in zip(self.sources, self.counts, strict=True)
        ]
        ids = torch.cat(drawn, dim=-1)
        return Negatives(ids, self.expected(ids, len(targets)).log())

    def expected(self, ids: Tensor, positions: int) -> Tensor:
        """m of each id, float64: how often it is to be expected in one position's draws."""
        return torch.stack(
            [
                count * source.probability(ids, positions)  # type: ignore[operator]
                for source, count in zip(self.sources, self.counts, strict=True)
            ]
        ).sum(0)
