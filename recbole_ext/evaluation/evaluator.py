"""Rank every held-out item with a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ext.data.loaders import EvaluationBatch, EvaluationLoader
from recbole_ext.data.popularity import interaction_counts
from recbole_ext.data.split import Split
from recbole_ext.evaluation.lists import list_metrics, top_items
from recbole_ext.evaluation.metrics import (
    IPS,
    SEEN_MASKED,
    FloatArray,
    split_metrics,
    summarize,
)
from recbole_ext.evaluation.ranks import rank_targets
from recbole_ext.evaluation.scoring import scores_of_all
from recbole_ext.nn.propensities import inverse_propensities


@dataclass(frozen=True)
class Evaluation:
    """What a ranking pass found.

    Attributes:
        users: [U] user ids, in the order of the ranks.
        ranks, ranks_seen_masked: [U] ranks of the held-out items.
        seen_kept, seen_masked: metrics under each protocol, full precision.
        ips, ips_seen_masked: the same of the ranks alone, each user weighing by the inverse
            propensity of the held-out item (``eval_ips_exponent``); empty where that is null.
    """

    users: np.ndarray
    ranks: FloatArray
    ranks_seen_masked: FloatArray
    seen_kept: dict[str, float]
    seen_masked: dict[str, float]
    ips: dict[str, float] = field(default_factory=dict)
    ips_seen_masked: dict[str, float] = field(default_factory=dict)

    def flat(self) -> dict[str, float]:
        """All metrics in one dictionary.

        Those with seen items masked end in ``_seen_masked``, weighted ones in ``_ips`` before that.
        """
        parts = {
            "": self.seen_kept,
            SEEN_MASKED: self.seen_masked,
            IPS: self.ips,
            IPS + SEEN_MASKED: self.ips_seen_masked,
        }
        return {name + end: x for end, part in parts.items() for name, x in part.items()}


class Evaluator:
    """Full ranking, both protocols in one pass."""

    def __init__(self, config: Any, split: Split) -> None:
        self._config = config
        self._split = split
        self._topk: list[int] = config["topk"]
        self._rank_metrics, self._list_metrics = split_metrics(config["metrics"])
        self._ips_exponent: float | None = config["eval_ips_exponent"]
        self._device = config["device"]

    @torch.no_grad()
    def evaluate(
        self, model: nn.Module, loader: EvaluationLoader, progress: Any = None
    ) -> Evaluation:
        """Rank the held-out items of ``loader``.

        Args:
            progress: wraps the loader to show progress, as tqdm does.

        Raises:
            FloatingPointError: a score is NaN.
        """
        model.eval()
        n_rows = len(loader.rows)
        kept, masked = np.empty(n_rows), np.empty(n_rows)
        longest = min(max(self._topk), loader.store.n_items - 1) if self._list_metrics else 0
        recommended = torch.zeros(n_rows, longest, dtype=torch.long)
        batches: Iterable[EvaluationBatch] = progress(loader) if progress else loader
        for batch in batches:
            scores = scores_of_all(model, batch.interaction, loader.dataset, self._device)
            to = scores.device
            ranks = rank_targets(
                scores, batch.targets.to(to), batch.seen_items.to(to), batch.seen_offsets.to(to)
            )
            kept[batch.rows] = ranks.seen_kept.cpu().numpy()
            masked[batch.rows] = ranks.seen_masked.cpu().numpy()
            if self._list_metrics:
                recommended[torch.from_numpy(batch.rows)] = top_items(scores, longest).cpu()
        return self._summary(loader, kept, masked, recommended)

    def _summary(
        self, loader: EvaluationLoader, kept: FloatArray, masked: FloatArray, recommended: Tensor
    ) -> Evaluation:
        seen_kept = summarize(kept, self._rank_metrics, self._topk)
        if self._list_metrics:
            seen_kept |= list_metrics(
                self._config, self._list_metrics, recommended, loader.store, self._split.train_end
            )
        seen_masked = summarize(masked, self._rank_metrics, self._topk)
        ips = [self._weighted(loader, ranks) for ranks in (kept, masked)]
        return Evaluation(loader.rows.users, kept, masked, seen_kept, seen_masked, *ips)

    def _weighted(self, loader: EvaluationLoader, ranks: FloatArray) -> dict[str, float]:
        """The metrics of the ranks, each weighing 1/p of its held-out item."""
        if self._ips_exponent is None:
            return {}
        store = loader.store
        counts = torch.from_numpy(interaction_counts(store, self._split.train_end))
        weights = inverse_propensities(counts, self._ips_exponent).numpy()
        targets = store.items[loader.rows.end]
        return summarize(ranks, self._rank_metrics, self._topk, weights[targets])
