"""What comes next, for users of the training data and for new histories."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from recbole.utils import ModelType
from torch import Tensor

from recbole_ext.data.batches import batches_in_order
from recbole_ext.data.popularity import interaction_counts
from recbole_ext.data.store import IntArray
from recbole_ext.errors import ConfigError, DataError, show
from recbole_ext.inference.asked import Asked, Options
from recbole_ext.inference.bounded import Candidates, bounded_lists, exposure_limits
from recbole_ext.inference.results import Recommendations
from recbole_ext.inference.scorer import Scorer, store_of
from recbole_ext.inference.sequences import (
    Sequences,
    continued,
    known_users,
    new_users,
    refuse_empty,
)
from recbole_ext.inference.titles import ItemFile
from recbole_ext.nn.top import top_k

if TYPE_CHECKING:
    from recbole_ext.runner import Run


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
        ConfigError: ``max_exposure`` leaves no item.
        FloatingPointError: a score is NaN.
    """
    titles = titles_of(run.config, options.title_field)
    sequences = asked_sequences(run, asked, options.on_unknown, warn or warn_caller)
    scorer = Scorer(run, sequences.known)
    batch_size = options.batch_size or run.config["eval_batch_size"]
    if options.max_exposure is None:
        items, scores = best_items(scorer, sequences, options.k, options.exclude_seen, batch_size)
    else:
        items, scores = _bounded(run, scorer, sequences, options, batch_size)
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


def warn_caller(message: str) -> None:
    """A Python warning for whoever called Run.recommend or Run.generate.

    On the way there are the method, the function of its name, :func:`asked_sequences` and
    ``new_users``.
    """
    warnings.warn(message, stacklevel=6)


def titles_of(config: Any, title_field: str | None) -> dict[str, str] | None:
    """Titles by item token, of the data set's file of items; None where it has none.

    Raises:
        ConfigError: users follow each other (``task: next_user``), and a title of theirs is asked.
    """
    if config["task"] != "next_user":
        return item_file(config, title_field).titles()
    if title_field:  # an empty one does without titles
        raise ConfigError(f"title_field: {show(title_field)}: task: next_user names users")
    return None


def item_file(config: Any, title_field: str | None) -> ItemFile:
    """The data set's file of items."""
    return ItemFile(
        Path(config["data_path"], f"{config['dataset']}.item"),
        config["ITEM_ID_FIELD"],
        title_field,
        config["field_separator"] or "\t",
        config["encoding"] or "utf-8",
    )


def asked_sequences(
    run: Run, asked: Asked, on_unknown: str, warn: Callable[[str], None]
) -> Sequences:
    """The sequences of who is asked for; raises DataError for an unknown user or item."""
    sequential = run.config["MODEL_TYPE"] == ModelType.SEQUENTIAL
    if asked.users is not None:
        found = known_users(run.dataset, store_of(run), asked.users, asked.places)
        if sequential:
            refuse_empty(found, asked.places)
        return found
    if not sequential:
        raise DataError(
            f"model {show(run.config['model'])} recommends for the users it was trained on, not "
            "for histories: it is no sequential model"
        )
    skip = warn if on_unknown == "skip" else None
    return new_users(run.dataset, asked.histories or [], asked.places, skip)


def _bounded(
    run: Run, scorer: Scorer, sequences: Sequences, options: Options, batch_size: int
) -> tuple[IntArray, np.ndarray]:
    """The lists under ``max_exposure``; raises ConfigError where it leaves no item at all."""
    rows, k = len(sequences.picked), min(options.k, scorer.n_items - 1)
    consumed = interaction_counts(run.dataset.store, run.loaders.split.train_end)
    limits = exposure_limits(consumed, options.max_exposure or 0.0, rows * k)
    if rows and not limits.any():
        raise ConfigError(
            f"max_exposure: {show(options.max_exposure)} leaves no item for {rows} lists of {k}: "
            "the share of each item is less than one place; raise it or ask for more at a time"
        )
    best = candidates_of(scorer, sequences, options.exclude_seen, batch_size)
    return bounded_lists(best, rows, k, limits)


def candidates_of(
    scorer: Scorer, sequences: Sequences, exclude_seen: bool, batch_size: int
) -> Candidates:
    """The best items of some of the sequences among those that are not closed."""

    def best(rows: IntArray, k: int, closed: Any) -> tuple[IntArray, np.ndarray]:
        some = replace(sequences, picked=sequences.picked[rows])
        return best_items(scorer, some, k, exclude_seen, batch_size, torch.from_numpy(closed))

    return best


def best_items(
    scorer: Scorer,
    sequences: Sequences,
    k: int,
    exclude_seen: bool,
    batch_size: int,
    closed: Tensor | None = None,
) -> tuple[IntArray, np.ndarray]:
    """[R, k] item ids and scores, -inf where nothing is left; the longest sequences first.

    ``closed``: [V] items that no one gets.
    """
    order = np.argsort(-sequences.lengths, kind="stable")
    k = min(k, scorer.n_items - 1)
    items, best = np.zeros((len(order), k), np.int64), np.full((len(order), k), -np.inf)
    for batch in batches_in_order(len(order), batch_size):
        rows = order[batch]
        store, users = continued(sequences, rows), sequences.picked[rows]
        if closed is None:
            values, columns = scorer.best(store, users, k, exclude_seen)
        else:
            scores = scorer.candidates(store, users, exclude_seen)
            values, columns = top_k(scores.masked_fill(closed.to(scores.device), -torch.inf), k)
        items[rows], best[rows] = columns.cpu().numpy(), values.double().cpu().numpy()
    return items, best
