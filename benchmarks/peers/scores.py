"""Random score matrices, the same ones for every peer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.peers.protocol import RankingTask

HISTORY = 50  # seen items a user
LIFT = 4.0  # standard deviations; lifts the target to where metrics at 5 to 20 tell something


@dataclass(frozen=True)
class Scored:
    """One batch.

    scores: [B, 1 + items], column 0 is PAD's; targets: [B]; seen: [B, HISTORY].
    """

    scores: Tensor
    targets: Tensor
    seen: Tensor


def draw(task: RankingTask) -> Iterator[Scored]:
    """``task.batches`` batches, one in memory at a time."""
    source = torch.Generator().manual_seed(2020)
    for _ in range(task.batches):
        scores = torch.randn(task.rows, 1 + task.items, generator=source)
        targets = torch.randint(1, 1 + task.items, (task.rows,), generator=source)
        seen = torch.randint(1, 1 + task.items, (task.rows, HISTORY), generator=source)
        scores[torch.arange(task.rows), targets] += LIFT
        yield Scored(scores, targets, seen)


def sizes(task: RankingTask) -> dict[str, int]:
    """Of the matrices."""
    return {"users": task.batches * task.rows, "items": task.items}
