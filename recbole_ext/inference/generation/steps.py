"""Scores step by step: older states are kept where the model allows it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recbole_ext.data.batches import gather
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.inference.scorer import Scorer
from recbole_ext.inference.sequences import newest_windows
from recbole_ext.model.base import right_align
from recbole_ext.model.composable import ComposableRecommender, Memory


class Steps:
    """The scores of a batch of paths that grow by an item a step.

    A model whose older states stay as they are when an item follows (``extends``) computes the
    newest slot alone from the second step on, as long as the window holds every path to its end: an
    oldest item that leaves the window changes all states. Any other model scores whole windows.

    Args:
        steps: how many there will be.
    """

    def __init__(self, scorer: Scorer, steps: int) -> None:
        self._scorer, self._steps = scorer, steps
        self._memory: Memory | None = None
        self._keeps: bool | None = None  # known with the first step

    @torch.no_grad()
    def scores(self, store: SequenceStore, users: IntArray) -> Tensor:
        """[N, V], as :meth:`Scorer.scores`, of a :func:`continued` store."""
        model = self._scorer.model
        if self._keeps is None:
            longest = int(store.lengths.max()) - 1 + self._steps - 1
            extends = isinstance(model, ComposableRecommender) and model.extends
            self._keeps = extends and longest <= self._scorer.max_length
        if not self._keeps or not isinstance(model, ComposableRecommender):
            return self._scorer.scores(store, users)
        items = self._windows(store) if self._memory is None else _newest(store)
        state, self._memory = model.remember(items.to(self._scorer.device), self._memory)
        nobody = torch.zeros(len(state), dtype=torch.int64, device=state.device)
        queries = model.queries(state, nobody)
        return self._scorer.settled(model.catalogue.scores(queries, model.n_items))

    def follow(self, parents: Tensor) -> None:
        """The paths that go on, [N']: which each continues."""
        if self._memory is not None:
            self._memory = self._memory.of(parents.to(self._scorer.device))

    def _windows(self, store: SequenceStore) -> Tensor:
        """[N, w] right-aligned ids."""
        n_paths, names = store.n_users, self._scorer.names
        rows = newest_windows(store, np.zeros(n_paths, np.int64), self._scorer.max_length)
        batch = gather(store, rows, np.arange(n_paths), names)
        return right_align(batch[names.item_list], batch[names.length])


def _newest(store: SequenceStore) -> Tensor:
    """[N, 1] the newest item of each sequence; PAD is behind it."""
    return torch.from_numpy(store.items[store.offsets[1:] - 2]).unsqueeze(1)
