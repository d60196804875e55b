"""What padding does to the scores: one history scored bare, and padded to the full window.

Padding should be nothing (arXiv 2504.09596): a zero row that stays zero, without a position, unseen
by the attention, no class. Then both scores are equal but for rounding. Keys bring each defect back
(``padding_as_class``, ``remask_padding``, ``mask_padding``, ``position_at_padding``,
``padding_row``); what a model has learned under one shows here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_ext.data.batches import batches_of_equal_length
from recbole_ext.data.rows import Rows
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.evaluation.lists import top_items
from recbole_ext.evaluation.metrics import FloatArray, per_user
from recbole_ext.evaluation.ranks import rank_targets
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.nn.embedding import PAD

TENTHS = range(10)
K = 10


@dataclass(frozen=True)
class Effect:
    """What padding does to each of U histories.

    Attributes:
        largest, mean: [U] of the absolute change of a score, over items.
        other_list: [U] bool, whether the ten best items are others, or in another order.
        bare, padded: [U] rank of the held-out item without padding and with.
    """

    largest: FloatArray
    mean: FloatArray
    other_list: np.ndarray
    bare: FloatArray
    padded: FloatArray

    def of(self, users: np.ndarray) -> dict[str, float | int]:
        """The report's numbers over the histories at these places (mask or places)."""
        found: dict[str, float | int] = {
            "users": len(self.bare[users]),
            "largest_change": float(self.largest[users].max()),
            "mean_change": float(self.mean[users].mean()),
            "other_list": float(self.other_list[users].mean()),
        }
        for way, ranks in (("bare", self.bare[users]), ("padded", self.padded[users])):
            for metric in ("Hit", "NDCG"):
                found[f"{metric}@{K}_{way}"] = float(per_user(metric, ranks, K).mean())
        return found


@torch.no_grad()
def effect(
    model: NextItemRecommender, store: SequenceStore, rows: Rows, window: int, batch_size: int
) -> Effect:
    """Score each row's history bare and with padding up to ``window`` slots."""
    model.eval()
    largest, mean, bare, padded = (np.zeros(len(rows)) for _ in range(4))
    other_list = np.zeros(len(rows), dtype=bool)
    for picked in batches_of_equal_length(rows.lengths, batch_size, None):
        histories, targets, users = (t.to(model.device) for t in _gathered(store, rows, picked))
        short = _scores(model, histories, users)
        long = _scores(model, F.pad(histories, (window - histories.shape[1], 0), value=PAD), users)
        change = (long - short)[:, PAD + 1 :].abs()
        largest[picked] = change.amax(1).cpu().numpy()
        mean[picked] = change.mean(1).cpu().numpy()
        other_list[picked] = (top_items(long, K) != top_items(short, K)).any(1).cpu().numpy()
        bare[picked], padded[picked] = _ranks(short, targets), _ranks(long, targets)
    return Effect(largest, mean, other_list, bare, padded)


def cut(rows: Rows, length: int) -> Rows:
    """The newest ``length`` items of every history that has them."""
    enough = rows.lengths >= length
    users, end = rows.users[enough], rows.end[enough]
    return replace(rows, users=users, start=end - length, end=end)


def tenth_of_padding(rows: Rows, window: int) -> IntArray:
    """[R] 0 where under 10 % of the window is padding, 1 where under 20 %, ... 9."""
    return 10 * (window - rows.lengths) // window


def kept_slots(tenth: int, window: int) -> int:
    """Items of a window of which ``tenth`` tenths are padding; one at least."""
    return max(1, round(window * (10 - tenth) / 10))


def by_ratio(
    model: NextItemRecommender, store: SequenceStore, rows: Rows, window: int, batch_size: int
) -> dict[str, dict[str, float | int]]:
    """The same share of padding for all: histories cut to their newest items; by ratio."""
    found = {}
    for kept in dict.fromkeys(kept_slots(tenth, window) for tenth in TENTHS):
        some = cut(rows, kept)
        if len(some):
            all_of_them = np.arange(len(some))
            one = effect(model, store, some, window, batch_size).of(all_of_them)
            found[f"{100 * (window - kept) / window:.0f} %"] = one
    return found


def by_bucket(
    model: NextItemRecommender, store: SequenceStore, rows: Rows, window: int, batch_size: int
) -> dict[str, dict[str, float | int]]:
    """Whole histories, by the share of padding that they have in the window; then all."""
    found = effect(model, store, rows, window, batch_size)
    tenths = tenth_of_padding(rows, window)
    buckets = {
        f"{10 * tenth}-{10 * tenth + 10} %": found.of(tenths == tenth)
        for tenth in TENTHS
        if (tenths == tenth).any()
    }
    return {**buckets, "all": found.of(np.arange(len(rows)))}


def _gathered(store: SequenceStore, rows: Rows, picked: IntArray) -> tuple[Tensor, Tensor, Tensor]:
    """Histories [B, n] of one length, the items after them [B], their users [B]."""
    length = int(rows.lengths[picked[0]])
    places = rows.start[picked][:, None] + np.arange(length)
    parts = (store.items[places], store.items[rows.end[picked]], rows.users[picked])
    history, target, user = (torch.from_numpy(part) for part in parts)
    return history, target, user


def _scores(model: NextItemRecommender, aligned: Tensor, users: Tensor) -> Tensor:
    """[B, V] of right-aligned histories, just as wide as they are given."""
    queries = model.queries(model.newest_state(aligned, users), users)
    return model.catalogue.scores(queries, model.n_items)


def _ranks(scores: Tensor, targets: Tensor) -> FloatArray:
    none, offsets = targets[:0], targets.new_zeros(len(targets) + 1)
    ranks: FloatArray = rank_targets(scores, targets, none, offsets).seen_kept.cpu().numpy()
    return ranks
