"""From tokens to item sequences, and to the rows from which the next item is predicted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.rows import Rows
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import DataError, nearest, show
from recbole_ext.nn.embedding import PAD

if TYPE_CHECKING:
    from recbole_ext.data.dataset import FlatOrder

_NAMED = 3
_COMPARED = 200_000  # names that are compared with an unknown one within two seconds


@dataclass(frozen=True)
class Sequences:
    """Who is recommended for: R sequences of ``store``.

    Attributes:
        store: whose items they are.
        picked: [R] sequences of the store.
        known: they are users of the training data; ``picked`` then holds their ids.
    """

    store: SequenceStore
    picked: IntArray
    known: bool

    @property
    def lengths(self) -> IntArray:
        """[R] items of each."""
        return self.store.offsets[self.picked + 1] - self.store.offsets[self.picked]


def known_users(
    dataset: FlatOrder, store: SequenceStore, users: Sequence[str], places: Sequence[str]
) -> Sequences:
    """The whole sequences, held-out items included, of users by token.

    Raises:
        DataError: an unknown user.
    """
    ids = _ids(dataset, dataset.uid_field, users)
    unknown = [(places[row], users[row]) for row in np.flatnonzero(ids == PAD).tolist()]
    if unknown:
        raise _unknown(dataset, dataset.uid_field, "user", unknown)
    return Sequences(store, ids, known=True)


def refuse_empty(sequences: Sequences, places: Sequence[str]) -> None:
    """Raises DataError for a user who is only described, by a ``.user`` file."""
    for row in np.flatnonzero(sequences.lengths == 0).tolist():
        raise DataError(f"{places[row]}: the user has no interaction to continue from")


def new_users(
    dataset: FlatOrder,
    histories: Sequence[Sequence[str]],
    places: Sequence[str],
    skip: Callable[[str], None] | None,
) -> Sequences:
    """Histories of item tokens as sequences.

    Args:
        skip: is told of the unknown items left out; None: they are an error.

    Raises:
        DataError: an unknown item, or a history without a known one.
    """
    lengths = np.array([len(history) for history in histories], dtype=np.int64)
    owner = np.repeat(np.arange(len(histories)), lengths)
    tokens = [token for history in histories for token in history]
    ids = _ids(dataset, dataset.iid_field, tokens)
    unknown = [(places[owner[i]], tokens[i]) for i in np.flatnonzero(ids == PAD).tolist()]
    if unknown and skip is None:
        raise _unknown(dataset, dataset.iid_field, "item", unknown)
    if unknown and skip is not None:
        skip(f"left out {_names(unknown)}: not in data set {show(dataset.dataset_name)}")
    counts = np.bincount(owner[ids != PAD], minlength=len(histories))
    _refuse_empty(histories, counts, places)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    store = SequenceStore(ids[ids != PAD], offsets, dataset.item_num)
    return Sequences(store, np.arange(len(histories)), known=False)


def continued(sequences: Sequences, rows: IntArray) -> SequenceStore:
    """The sequences at ``rows``, each followed by PAD in the place of its unknown next item."""
    store, picked = sequences.store, sequences.picked[rows]
    counts = sequences.lengths[rows] + 1
    offsets = np.concatenate([[0], np.cumsum(counts)])
    owner = np.repeat(np.arange(len(rows)), counts)
    next_item = offsets[1:] - 1
    places = np.arange(offsets[-1]) + (store.offsets[picked] - offsets[:-1])[owner]
    places[next_item] = 0  # anything that is there; overwritten below

    def take(values: NDArray[np.generic]) -> NDArray[np.generic]:
        taken = values[places]
        taken[next_item] = np.zeros((), values.dtype)
        return taken

    columns = MappingProxyType({name: take(values) for name, values in store.columns.items()})
    return SequenceStore(take(store.items), offsets, store.n_items, columns)  # type: ignore[arg-type]


def newest_windows(store: SequenceStore, users: IntArray, max_length: int) -> Rows:
    """One row for each sequence of a :func:`continued` store: its newest ``max_length`` items."""
    end = store.offsets[1:] - 1
    return Rows(users, np.maximum(store.offsets[:-1], end - max_length), end)


def _ids(dataset: FlatOrder, field: str, tokens: Iterable[str]) -> IntArray:
    """[N] ids, PAD where a token is unknown (that of PAD itself is no one's)."""
    ids = dataset.field2token_id[field]
    return np.array([ids.get(token, PAD) for token in tokens], dtype=np.int64)


def _unknown(
    dataset: FlatOrder, field: str, what: str, unknown: list[tuple[str, str]]
) -> DataError:
    """The error for unknown tokens: names the first, with what is near it, and counts the rest."""
    place, token = unknown[0]
    tokens = dataset.field2id_token[field][PAD + 1 :].tolist()
    near = nearest(token, tokens) if len(tokens) <= _COMPARED else ""
    more = len(unknown) - 1
    rest = f" ({more} more {'is' if more == 1 else 'are'} unknown: {_names(unknown[1:])})"
    return DataError(
        f"{place}: unknown {what} {show(token)}, not in data set {show(dataset.dataset_name)}"
        f"{near}{rest if more else ''}"
    )


def _names(unknown: list[tuple[str, str]]) -> str:
    """The first few, each with its place."""
    named = [f"{show(token)} ({place})" for place, token in unknown[:_NAMED]]
    more = len(unknown) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _refuse_empty(
    histories: Sequence[Sequence[str]], counts: IntArray, places: Sequence[str]
) -> None:
    """A sequence model has nothing to continue in an empty history."""
    for row in np.flatnonzero(counts == 0).tolist():
        why = "no known item in the history" if histories[row] else "the history is empty"
        raise DataError(f"{places[row]}: {why}; one item is needed to continue from")
