"""Before the first epoch: does a model do what its loss, its ranking and its saved self rely on?

A model that sees its targets trains well and ranks badly, one whose scores depend on the company
of a row ranks by chance; neither fails. So a history or two are encoded on trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_ext.data.split import Split, train_lengths
from recbole_ext.data.store import SequenceStore
from recbole_ext.errors import ModelError, kind_of
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.training.randomness import undisturbed

# Sums in another order differ by less, states that depend on something else by more.
TOLERANCE = 1e-3


@torch.no_grad()
def doubts(
    model: NextItemRecommender, store: SequenceStore, split: Split, everywhere: bool
) -> list[str]:
    """A line for each thing that a training would not tell; weights and random numbers stay.

    Args:
        everywhere: one pass is asked for the item after every slot.

    Raises:
        ModelError: shapes that no loss could use.
    """
    window, user = _longest_window(store, split, model.max_seq_length)
    device = next(model.parameters()).device
    items, who = torch.tensor([window], device=device), torch.tensor([user], device=device)
    model.eval()  # the trainer sets what it needs
    with undisturbed():
        states, newest = _checked_states(model, items, who)
        if _is_random(model, items, who):
            return [
                f"{type(model).__name__} scores one history differently from time to time, in "
                "evaluation too: is something drawn or counted outside of training?"
            ]
        if _differ(states[:, -1:], newest):
            return [
                f"{type(model).__name__}.encode gives another state with last_only than it gives "
                "for the last slot"
            ]
        return list(_what_is_odd(model, items, who, states, everywhere))


def _longest_window(store: SequenceStore, split: Split, most: int) -> tuple[list[int], int]:
    """The newest training items of who has most of them, and who that is."""
    lengths = train_lengths(store, split)
    user = int(np.argmax(lengths))
    end = int(split.train_end[user])
    return store.items[end - min(int(lengths[user]), most) : end].tolist(), user


def _checked_states(
    model: NextItemRecommender, items: Tensor, user: Tensor
) -> tuple[Tensor, Tensor]:
    """[1, w, d] of all slots and [1, 1, d] by ``last_only``, if a loss could use them."""
    name, width = type(model).__name__, items.shape[1]
    states = model.encode(items, user=user)
    if not _is_shaped(states, 1, width, None):
        raise ModelError(
            f"{name}.encode gave {kind_of(states)} for ids of shape [1, {width}]; it must give "
            f"states [1, {width}, d], one a slot"
        )
    newest = model.encode(items, last_only=True, user=user)
    if not _is_shaped(newest, 1, 1, states.shape[2]):
        raise ModelError(
            f"{name}.encode gave {kind_of(newest)} with last_only for ids of shape [1, {width}]; "
            f"it must give the newest state, [1, 1, {states.shape[2]}]"
        )
    if type(model).catalogue is NextItemRecommender.catalogue:
        _check_table(model, model.queries(states[:, -1], user))
    return states, newest


def _check_table(model: NextItemRecommender, query: Tensor) -> None:
    name, rows = type(model).__name__, model.n_embeddings
    # By the class: torch would say of an AttributeError inside that there is no item_table.
    given: Any = type(model).item_table
    table = given.__get__(model) if isinstance(given, property) else given
    if not _is_shaped(table, rows, None):
        raise ModelError(
            f"{name}.item_table is {kind_of(table)}; it must be a property that gives a tensor "
            f"[{rows}, q], a row for each item and PAD"
        )
    if not _is_shaped(query, 1, table.shape[1]):
        raise ModelError(
            f"{name}.item_table is {kind_of(table)} and a query {kind_of(query)}; their widths "
            "must be equal, as they are multiplied"
        )


def _is_random(model: NextItemRecommender, items: Tensor, user: Tensor) -> bool:
    first, second = (model.newest_state(items, user) for _ in range(2))
    return _differ(first, second)


def _what_is_odd(
    model: NextItemRecommender, items: Tensor, user: Tensor, states: Tensor, everywhere: bool
) -> Iterator[str]:
    name = type(model).__name__
    if everywhere and model.cloze is None and _sees_later_items(model, items, user, states):
        yield (
            f"{name}: the state of a slot changes with a later item, so training at all positions "
            "shows it its targets; mask the future, or set train_objective: last_position"
        )
    if model.width is None and _sees_padding(model, items[:, -max(1, items.shape[1] // 2) :], user):
        yield (
            f"{name} scores a history differently when it is padded, so by who else is in its "
            "batch; leave PAD (0) out of encode, or set trim_batches: false"
        )


def _sees_later_items(
    model: NextItemRecommender, items: Tensor, user: Tensor, states: Tensor
) -> bool:
    other = items.clone()
    other[:, -1] = items[:, -1] % (model.n_items - 1) + 1
    changed = model.encode(other, user=user)
    return items.shape[1] > 1 and _differ(states[:, :-1], changed[:, :-1])


def _sees_padding(model: NextItemRecommender, items: Tensor, user: Tensor) -> bool:
    padded = F.pad(items, (model.max_seq_length - items.shape[1], 0))
    return _differ(model.newest_state(items, user), model.newest_state(padded, user))


def _is_shaped(value: object, *sizes: int | None) -> bool:
    """Whether it is a tensor of these sizes; None stands for any."""
    if not isinstance(value, Tensor) or value.dim() != len(sizes):
        return False
    return all(size in (None, found) for size, found in zip(sizes, value.shape, strict=True))


def _differ(one: Tensor, other: Tensor) -> bool:
    scale = float(one.abs().max()) + 1e-6
    return bool((one - other).abs().max() > TOLERANCE * scale)
