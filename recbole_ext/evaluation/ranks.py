"""The rank of a held-out item among all items.

    rank = 1 + items scored higher + half of the ties

The target's own score is taken from the same score matrix, so that it ties with itself exactly. The
rank with seen items masked is the same count without the seen ones; the target is never masked.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ext.nn.embedding import PAD

CACHED_BYTES = 1_500_000


@dataclass(frozen=True)
class Ranks:
    """[B] float ranks; they end in .5 where an odd number of items ties with the target."""

    seen_kept: Tensor
    seen_masked: Tensor


def refuse_nan(scores: Tensor) -> None:
    """Raise FloatingPointError where a score of an item is NaN."""
    # A sum is cheap to take and NaN if anything is; infinities of both signs make one too.
    if torch.isnan(scores.sum()) and torch.isnan(scores).any():
        raise FloatingPointError("the model scored an item as NaN; its ranking means nothing")


def rank_targets(
    scores: Tensor, targets: Tensor, seen_items: Tensor, seen_offsets: Tensor
) -> Ranks:
    """Rank each row's target.

    Args:
        scores: [B, V]; column 0 (PAD) is no candidate.
        targets: [B] item ids.
        seen_items, seen_offsets: the history of row b is ``seen_items[seen_offsets[b]:
            seen_offsets[b + 1]]``; it may hold an item, even the target, more than once.

    Raises:
        FloatingPointError: a score is NaN; it compares as neither higher nor equal, so the rank
            would look perfect.
    """
    own = scores.gather(1, targets.unsqueeze(1))  # [B, 1]
    candidates = scores[:, PAD + 1 :]
    refuse_nan(candidates)
    kept = _rank_among(candidates, own)
    rows, items = _distinct_seen(scores.shape, targets, seen_items, seen_offsets)
    # Compared, not subtracted: two infinities tie, their difference is NaN.
    seen, target = scores[rows, items], own.squeeze(1)[rows]
    share = (seen > target).double() + (seen == target).double() / 2.0
    return Ranks(kept, kept.index_add(0, rows, share, alpha=-1.0))


def _rank_among(candidates: Tensor, own: Tensor) -> Tensor:
    """[B] 1 + higher + half the ties, a few rows at a time so that the masks stay in the cache."""
    rows = max(1, CACHED_BYTES // max(1, candidates.shape[1] * candidates.element_size()))
    if candidates.device.type != "cpu":
        rows = candidates.shape[0]
    ranks = []
    for some, score in zip(candidates.split(rows), own.split(rows), strict=True):
        higher, at_least = _count(some > score), _count(some >= score)
        ranks.append(1.0 + (higher + at_least - 1.0) / 2.0)  # at_least holds the target itself
    return torch.cat(ranks)


def _count(mask: Tensor) -> Tensor:
    """[B] true entries of each row of a bool matrix (a bool sum would widen to int64 first)."""
    return mask.view(torch.uint8).sum(1, dtype=torch.int32).double()


def _distinct_seen(
    shape: torch.Size, targets: Tensor, seen_items: Tensor, seen_offsets: Tensor
) -> tuple[Tensor, Tensor]:
    """(row, item) of every seen item, each once, the row's target left out."""
    rows = torch.repeat_interleave(seen_offsets.diff())
    rows = rows.to(seen_items.device)
    keys = torch.unique(rows * shape[1] + seen_items)
    rows, items = keys // shape[1], keys % shape[1]
    others = items != targets[rows]
    return rows[others], items[others]
