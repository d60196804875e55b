"""The loaders of a run: training batches of the model's kind, evaluation batches for all models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.data import create_samplers
from recbole.data.dataloader import TrainDataLoader
from recbole.data.interaction import Interaction
from recbole.data.transform import construct_transform
from recbole.data.utils import get_dataloader
from recbole.utils import ModelType

from recbole_ext.data.batches import (
    NEWEST_ROW,
    TARGET_WEIGHT,
    FieldNames,
    batches_by_length,
    batches_in_order,
    batches_of_equal_length,
    count_of_equal_length,
    gather,
)
from recbole_ext.data.dataset import FlatOrder, FlatSequentialDataset, PrefixDataset
from recbole_ext.data.rows import Rows, held_out_rows, prefix_rows, training_rows
from recbole_ext.data.split import Split, configured_split, in_training, train_lengths
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import DataError

# RecBole's own models whose scores do not change when right padding is cut off; the others get
# sequences of the full MAX_ITEM_LIST_LENGTH.
TRIMMABLE = frozenset({"SASRec", "GRU4Rec", "NARM"})
_USERS_SEED = 0  # of those that eval_users picks


class SequenceLoader:
    """Training batches for this library's models: length-bucketed, trimmed, new every epoch.

    The order of epoch e is a function of (seed, e) alone, so a resumed run sees the same batches.

    Iterating yields RecBole Interactions and moves on to the next epoch.
    """

    def __init__(self, config: Any, dataset: FlatSequentialDataset, split: Split) -> None:
        self.dataset = dataset
        self._config = config
        self.epoch = 0
        self._store, self._split = dataset.store, split
        self._names = FieldNames.from_config(config)
        self._batch_size = config["train_batch_size"]
        self._equal_length = config["batch_by"] == "equal_length"
        self._seed = config["seed"]
        self.shuffle = bool(config["shuffle"])

    def rows(self, epoch: int) -> Rows:
        """The rows of an epoch; only ``chunk`` draws new ones."""
        return training_rows(self._config, self._store, self._split, self._rng(epoch, 0))

    def __len__(self) -> int:
        rows = self.rows(self.epoch)
        if self._equal_length:
            return count_of_equal_length(rows.lengths, self._batch_size)
        return -(-len(rows) // self._batch_size)

    def __iter__(self) -> Iterator[Interaction]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        rows = self.rows(epoch)
        batches = list(self._batches(rows, epoch))
        # Every position weighs the same over the epoch, whatever the company of its batch.
        weight = len(batches) / rows.n_targets
        for picked in batches:
            batch = gather(self._store, rows, picked, self._names)
            batch[TARGET_WEIGHT] = torch.full((len(picked),), weight)
            newest = rows.end[picked] == self._split.train_end[rows.users[picked]] - 1
            batch[NEWEST_ROW] = torch.from_numpy(newest)
            yield batch

    def _batches(self, rows: Rows, epoch: int) -> Iterator[IntArray]:
        if self._equal_length:
            rng = self._rng(epoch, 1) if self.shuffle else None
            return iter(batches_of_equal_length(rows.lengths, self._batch_size, rng))
        if not self.shuffle:
            return batches_in_order(len(rows), self._batch_size)
        return iter(batches_by_length(rows.lengths, self._batch_size, self._rng(epoch, 1)))

    def _rng(self, epoch: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, epoch, purpose])


@dataclass
class EvaluationBatch:
    """One batch to rank.

    Attributes:
        interaction: what the model's ``full_sort_predict`` reads.
        targets: [B] held-out items.
        rows: [B] numbers of the rows, for putting results in order.
        seen_items, seen_offsets: the user of row b has seen ``seen_items[seen_offsets[b]:
            seen_offsets[b + 1]]``, the whole history before the target.
    """

    interaction: Interaction
    targets: torch.Tensor
    rows: IntArray
    seen_items: torch.Tensor
    seen_offsets: torch.Tensor


class EvaluationLoader:
    """Held-out items and their histories, the longest batches first (peak memory shows at once)."""

    def __init__(
        self, config: Any, dataset: FlatOrder, places: IntArray, own_model: bool = True
    ) -> None:
        self.dataset = dataset
        self.store: SequenceStore = dataset.store
        rows = held_out_rows(self.store, places, config["MAX_ITEM_LIST_LENGTH"])
        self.rows = _sample(rows, config["eval_users"])
        # RecBole's models may read any column of the interactions; this library's read ids.
        stock = isinstance(dataset, FlatSequentialDataset) and not own_model
        self._gathered = dataset.store_with_columns() if stock else self.store
        self._names = FieldNames.from_config(config)
        self._batch_size = config["eval_batch_size"]
        self._width = gathered_width(config, own_model)
        self._transform = construct_transform(config) if stock else None

    def __len__(self) -> int:
        return -(-len(self.rows) // self._batch_size)

    def __iter__(self) -> Iterator[EvaluationBatch]:
        order = np.argsort(-self.rows.lengths, kind="stable")
        for picked in batches_in_order(len(order), self._batch_size):
            yield self.batch(order[picked])

    def batch(self, picked: IntArray) -> EvaluationBatch:
        """The rows of these numbers [B]."""
        batch = gather(self._gathered, self.rows, picked, self._names, self._width)
        if self._transform is not None:
            batch = self._transform(self.dataset, self.dataset.join(batch))
        users, end = self.rows.users[picked], self.rows.end[picked]
        begin = self.store.offsets[users]
        seen, offsets = _ragged(self.store.items, begin, end)
        return EvaluationBatch(batch, batch[self._names.item], picked, seen, offsets)


@dataclass
class Loaders:
    """What a run iterates over."""

    train: Any
    valid: EvaluationLoader
    test: EvaluationLoader
    split: Split


def build_loaders(config: Any, dataset: FlatOrder, own_model: bool) -> Loaders:
    """Split and wrap ``dataset`` (already in flat order) for the configured model.

    Args:
        own_model: a model of this library; RecBole's train through RecBole's own loaders.

    Raises:
        DataError: nothing is left to train on or to rank.
    """
    split = split_of(config, dataset)
    if own_model:
        train: Any = SequenceLoader(config, dataset, split)  # type: ignore[arg-type]
    else:
        train = _stock_train_loader(config, dataset, split)
    return Loaders(
        train,
        EvaluationLoader(config, dataset, split.valid, own_model),
        EvaluationLoader(config, dataset, split.test, own_model),
        split,
    )


def split_of(config: Any, dataset: FlatOrder) -> Split:
    """The configured split; raises DataError where it leaves nothing to train on or to rank."""
    held = config["holdout"]
    split = configured_split(config, dataset.store)
    if not (train_lengths(dataset.store, split) > 1).any():
        raise DataError(
            f"{config['dataset']}: no user has two training interactions, so there is nothing to "
            f"train on; users need {held + 3} interactions or more ({held + 2} with "
            "split_protocol: recbole)"
        )
    if not (split.test >= 0).any():
        raise DataError(
            f"{config['dataset']}: no user has {held + 2} interactions, nothing can be held out"
        )
    return split


def _stock_train_loader(config: Any, dataset: FlatOrder, split: Split) -> TrainDataLoader:
    """RecBole's own training loader: prefixes for sequential models, interactions for others."""
    if config["MODEL_TYPE"] == ModelType.KNOWLEDGE:
        raise DataError(f"{config['model']} needs a knowledge graph; such models are not run here")
    part = dataset.interactions_at(np.flatnonzero(in_training(dataset.store, split.train_end)))
    # In all places the training part: popular negatives would be drawn from the test too.
    sampler, *_ = create_samplers(config, part, [part] * 3)
    if isinstance(dataset, FlatSequentialDataset):
        rows = prefix_rows(dataset.store, split, config["MAX_ITEM_LIST_LENGTH"])
        part = PrefixDataset.of(dataset, split, rows, gathered_width(config, own_model=False))
    return get_dataloader(config, "train")(config, part, sampler, shuffle=config["shuffle"])


def gathered_width(config: Any, own_model: bool) -> int | None:
    """Width of a batch's sequences; None trims each batch to its longest."""
    trims = config["trim_batches"]
    if trims in (None, "auto"):
        trims = own_model or config["model"] in TRIMMABLE
    return None if trims else config["MAX_ITEM_LIST_LENGTH"]


def _sample(rows: Rows, count: int | None) -> Rows:
    """``count`` random rows (the released evaluation of PARec takes 10,000), or all.

    The same ones whatever the run's seed: seeds and models are compared user by user.
    """
    if count is None or count >= len(rows):
        return rows
    picked = np.sort(np.random.default_rng(_USERS_SEED).choice(len(rows), count, replace=False))
    return Rows(rows.users[picked], rows.start[picked], rows.end[picked])


def _ragged(values: IntArray, begin: IntArray, end: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
    """The slices [begin, end) of ``values`` one after another, and their offsets [B + 1]."""
    counts = end - begin
    offsets = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(offsets[-1]) + np.repeat(begin - offsets[:-1], counts)
    return torch.from_numpy(values[places]), torch.from_numpy(offsets)
