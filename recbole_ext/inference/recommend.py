"""What comes next, for users of the training data and for new histories."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from recbole.data.transform import construct_transform
from recbole.utils import ModelType
from torch import Tensor

from recbole_ext.data.batches import FieldNames, batches_in_order, gather
from recbole_ext.data.dataset import FlatSequentialDataset
from recbole_ext.data.loaders import gathered_width
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import ConfigError, DataError, show
from recbole_ext.inference.asked import Asked, Options
from recbole_ext.inference.results import Recommendations
from recbole_ext.inference.sequences import (
    Sequences,
    continued,
    known_users,
    new_users,
    newest_windows,
)
from recbole_ext.inference.titles import ItemFile
from recbole_ext.inference.top import top_k
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.nn.embedding import PAD

if TYPE_CHECKING:
    from recbole_ext.runner import Run

# RecBole's other transforms only add columns for training: random ones, and slowly.
_SCORING_TRANSFORMS = ("inverse_itemseq", "user_defined")


def recommend(
    run: Run, asked: Asked, options: Options, warn: Callable[[str], None] | None = None
) -> Recommendations:
    """The best next items for each user or history.

    Known users are continued from all that is known of them, held-out items included. Scores are
    those of the model's ``full_sort_predict``; equal ones are ordered by item id. PAD and items
    that the model scores -inf are never recommended, so a list may be shorter than k.

    Args:
        warn: is told of items left out by ``on_unknown: skip``; a Python warning if None.

    Raises:
        DataError: an unknown user or item, an empty history, a malformed ``.item`` file, or a model
            that cannot answer.
        FloatingPointError: a score is NaN.
    """
    titles = _item_file(run.config, options).titles()
    sequences = _sequences(run, asked, options, warn or _warn)
    items, scores = _best(_Scorer(run, sequences), options, run.config["eval_batch_size"])
    row, place = np.nonzero(scores > -np.inf)
    tokens = run.dataset.field2id_token[run.dataset.iid_field][items[row, place]]
    return Recommendations(
        users=asked.users,
        row=row,
        rank=place + 1,
        item=tokens.astype(object),
        score=scores[row, place],
        title=None if titles is None else [titles.get(token) for token in tokens],
    )


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=6)  # whoever called Run.recommend


def _item_file(config: Any, options: Options) -> ItemFile:
    return ItemFile(
        Path(config["data_path"], f"{config['dataset']}.item"),
        config["ITEM_ID_FIELD"],
        options.title_field,
        config["field_separator"] or "\t",
        config["encoding"] or "utf-8",
    )


def _sequences(run: Run, asked: Asked, options: Options, warn: Callable[[str], None]) -> Sequences:
    if asked.users is not None:
        return known_users(run.dataset, _store(run), asked.users, asked.places)
    if run.config["MODEL_TYPE"] != ModelType.SEQUENTIAL:
        raise DataError(
            f"model {show(run.config['model'])} recommends for the users it was trained on, not "
            "for histories: it is no sequential model"
        )
    skip = warn if options.on_unknown == "skip" else None
    return new_users(run.dataset, asked.histories or [], asked.places, skip)


def _store(run: Run) -> SequenceStore:
    """With every column of the interactions for RecBole's sequential models, which may read it."""
    if isinstance(run.dataset, FlatSequentialDataset) and not _is_own(run):
        return run.dataset.store_with_columns()
    return run.dataset.store


def _is_own(run: Run) -> bool:
    return isinstance(run.model, NextItemRecommender)


def _best(scorer: _Scorer, options: Options, eval_batch_size: int) -> tuple[IntArray, np.ndarray]:
    """[R, k] item ids and scores, -inf where nothing is left; the longest sequences first."""
    order = np.argsort(-scorer.sequences.lengths, kind="stable")
    k = min(options.k, scorer.n_items - 1)
    items, best = np.zeros((len(order), k), np.int64), np.full((len(order), k), -np.inf)
    for batch in batches_in_order(len(order), options.batch_size or eval_batch_size):
        rows = order[batch]
        values, columns = top_k(scorer.candidates(rows, options.exclude_seen), k)
        items[rows], best[rows] = columns.cpu().numpy(), values.double().cpu().numpy()
    return items, best


class _Scorer:
    """A run's model, fed with the newest window of each sequence."""

    def __init__(self, run: Run, sequences: Sequences) -> None:
        config = run.config
        self.model, self.dataset, self.sequences = run.model.eval(), run.dataset, sequences
        self.n_items = run.dataset.item_num
        self._name, self._device = config["model"], config["device"]
        self._max_length = config["MAX_ITEM_LIST_LENGTH"]
        self._names = FieldNames.from_config(config)
        self._width = gathered_width(config, _is_own(run))
        self._joins = isinstance(run.dataset, FlatSequentialDataset) and not _is_own(run)
        transforms = self._joins and config["transform"] in _SCORING_TRANSFORMS
        self._transform = construct_transform(config) if transforms else None
        # What nobody knows of an item yet to come, and of a user never seen.
        self._absent = {self._names.item, *sequences.store.columns}
        if not sequences.known:
            self._absent.add(self._names.user)

    @torch.no_grad()
    def candidates(self, rows: IntArray, exclude_seen: bool) -> Tensor:
        """Scores [B, V] of the sequences at ``rows``; -inf for what must not be recommended."""
        store = continued(self.sequences, rows)
        scores = self._scores(self._interaction(store, rows))
        # A sum is cheap to take and NaN if anything is; infinities of both signs make one too.
        items = scores[:, PAD + 1 :]
        if torch.isnan(items.sum()) and torch.isnan(items).any():
            raise FloatingPointError("the model scored an item as NaN; its ranking means nothing")
        scores = scores.clone()  # some models hand out what they keep
        scores[:, PAD] = -torch.inf
        if exclude_seen:
            owner = torch.from_numpy(np.repeat(np.arange(len(rows)), store.lengths))
            seen = torch.from_numpy(store.items)
            scores[owner.to(scores.device), seen.to(scores.device)] = -torch.inf
        return scores

    def _interaction(self, store: SequenceStore, rows: IntArray) -> Interaction:
        """What evaluation would feed, less the columns that nobody knows."""
        windows = newest_windows(store, self.sequences.picked[rows], self._max_length)
        batch = gather(store, windows, np.arange(len(rows)), self._names, self._width)
        columns = batch.interaction.items()
        batch = Interaction({name: v for name, v in columns if name not in self._absent})
        if self._joins:
            batch = self.dataset.join(batch)
        if self._transform is not None:
            batch = self._transform(self.dataset, batch)
        return batch.to(self._device)

    def _scores(self, interaction: Interaction) -> Tensor:
        try:
            scores: Tensor = self.model.full_sort_predict(interaction)  # type: ignore[operator]
        except NotImplementedError as error:
            raise ConfigError(
                f"model {show(self._name)} scores pairs of user and item alone (it has no "
                "full_sort_predict); recommend needs scores of all items"
            ) from error
        except KeyError as error:
            if error.args[0] not in self._absent:
                raise
            raise self._absent_column(error.args[0]) from error
        return scores.view(-1, self.n_items)

    def _absent_column(self, column: str) -> DataError:
        whose = "an item yet to come has none" if self.sequences.known else "a new user has none"
        return DataError(f"model {show(self._name)} reads the column {show(column)}, and {whose}")
