"""A run's model, fed with the newest window of each sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch
from recbole.data.interaction import Interaction
from recbole.data.transform import construct_transform
from torch import Tensor

from recbole_ext.data.batches import FieldNames, gather
from recbole_ext.data.dataset import FlatSequentialDataset
from recbole_ext.data.loaders import gathered_width
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import DataError, show
from recbole_ext.evaluation.ranks import refuse_nan
from recbole_ext.evaluation.scoring import scores_of_all
from recbole_ext.inference.sequences import newest_windows
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.nn.embedding import PAD
from recbole_ext.nn.top import top_k

if TYPE_CHECKING:
    from recbole_ext.runner import Run

# RecBole's other transforms only add columns for training: random ones, and slowly.
_SCORING_TRANSFORMS = ("inverse_itemseq", "user_defined")


@runtime_checkable
class RanksInSlices(Protocol):
    """A model that finds the best items without the scores of all at once."""

    def top_items(
        self, interaction: Interaction, k: int, banned: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Scores [B, k] and ids [B, k]; ``banned``: (rows, ids)."""


class Scorer:
    """Scores all items as the next ones of sequences.

    Args:
        known: the sequences are those of users of the training data.
        rolls_out: items are fed back, so that nobody knows a sequence's further columns.
    """

    def __init__(self, run: Run, known: bool, rolls_out: bool = False) -> None:
        config = run.config
        self.model, self.dataset, self.known = run.model.eval(), run.dataset, known
        self.n_items = run.dataset.item_num
        self._name, self.device = config["model"], config["device"]
        self.max_length = config["MAX_ITEM_LIST_LENGTH"]
        self.names = FieldNames.from_config(config)
        self._width = gathered_width(config, is_own(run))
        self._joins = isinstance(run.dataset, FlatSequentialDataset) and not is_own(run)
        transforms = self._joins and config["transform"] in _SCORING_TRANSFORMS
        self._transform = construct_transform(config) if transforms else None
        # What nobody knows of an item yet to come, and of a user never seen.
        columns = store_of(run).columns
        self._absent = {self.names.item, *columns}
        if not known:
            self._absent.add(self.names.user)
        if rolls_out or not known:
            self._absent |= {name + self.names.list_suffix for name in columns}

    @torch.no_grad()
    def scores(self, store: SequenceStore, users: IntArray) -> Tensor:
        """Scores [B, V] of the sequences of a :func:`continued` store; PAD's is -inf.

        Args:
            users: [B] ids of the users whose sequences they are; anything for new users.

        Raises:
            FloatingPointError: a score is NaN.
        """
        return self.settled(self._scores(self._interaction(store, users)))

    def settled(self, scores: Tensor) -> Tensor:
        """A copy of a model's scores [B, V], PAD's -inf.

        Raises:
            FloatingPointError: a score is NaN.
        """
        refuse_nan(scores[:, PAD + 1 :])
        scores = scores.clone()  # some models hand out what they keep
        scores[:, PAD] = -torch.inf
        return scores

    def candidates(self, store: SequenceStore, users: IntArray, exclude_seen: bool) -> Tensor:
        """Scores [B, V], -inf for what must not be recommended."""
        scores = self.scores(store, users)
        return without_seen(scores, store) if exclude_seen else scores

    def best(
        self, store: SequenceStore, users: IntArray, k: int, exclude_seen: bool
    ) -> tuple[Tensor, Tensor]:
        """Scores [B, k] and ids [B, k] of the best candidates, ties by id; -inf: nothing left."""
        if not isinstance(self.model, RanksInSlices):
            return top_k(self.candidates(store, users, exclude_seen), k)
        interaction = self._interaction(store, users)
        banned = seen_pairs(store, self.device) if exclude_seen else None
        with torch.no_grad():
            values, ids = self.model.top_items(interaction, k, banned)
        refuse_nan(values)  # torch.topk takes NaN for the highest
        return values, ids

    def _interaction(self, store: SequenceStore, users: IntArray) -> Interaction:
        """What evaluation would feed, less the columns that nobody knows."""
        windows = newest_windows(store, users, self.max_length)
        batch = gather(store, windows, np.arange(len(users)), self.names, self._width)
        columns = batch.interaction.items()
        batch = Interaction({name: v for name, v in columns if name not in self._absent})
        if self._joins:
            batch = self.dataset.join(batch)
        if self._transform is not None:
            batch = self._transform(self.dataset, batch)
        return batch.to(self.device)

    def _scores(self, interaction: Interaction) -> Tensor:
        try:
            return scores_of_all(self.model, interaction, self.dataset, self.device)
        except KeyError as error:
            if error.args[0] not in self._absent:
                raise
            raise self._absent_column(error.args[0]) from error

    def _absent_column(self, column: str) -> DataError:
        whose = "an item yet to come has none" if self.known else "a new user has none"
        return DataError(f"model {show(self._name)} reads the column {show(column)}, and {whose}")


def without_seen(scores: Tensor, store: SequenceStore) -> Tensor:
    """A copy of the scores [B, V] with -inf for every item of each row's sequence."""
    scores = scores.clone()
    scores[seen_pairs(store, scores.device)] = -torch.inf
    return scores


def seen_pairs(store: SequenceStore, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """(rows, item ids) of all that stands in the sequences of a store."""
    owner = torch.from_numpy(np.repeat(np.arange(store.n_users), store.lengths))
    return owner.to(device), torch.from_numpy(store.items).to(device)


def store_of(run: Run) -> SequenceStore:
    """With every column of the interactions for RecBole's sequential models, which may read it."""
    if isinstance(run.dataset, FlatSequentialDataset) and not is_own(run):
        return run.dataset.store_with_columns()
    return run.dataset.store


def is_own(run: Run) -> bool:
    """Whether the model is this library's."""
    return isinstance(run.model, NextItemRecommender)
