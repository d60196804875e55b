"""Scores of all items from any model, by whichever of RecBole's methods it has."""

from __future__ import annotations

import torch
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import AbstractRecommender
from torch import Tensor, nn

from recbole_ext.data.dataset import FlatOrder
from recbole_ext.errors import ModelError, kind_of


def scores_of_all(
    model: nn.Module, interaction: Interaction, dataset: FlatOrder, device: torch.device | str
) -> Tensor:
    """[B, V] scores; some of RecBole's models return them flat, some only score pairs.

    Raises:
        ModelError: the model gives something else.
    """
    if _scores_pairs_alone(model):
        return _scores_by_pairs(model, interaction, dataset, device)
    scores = model.full_sort_predict(interaction.to(device))  # type: ignore[operator]
    shape = (len(interaction), dataset.store.n_items)
    if not isinstance(scores, Tensor) or not _are_rows(scores, *shape):
        raise ModelError(
            f"{type(model).__name__}.full_sort_predict gave {kind_of(scores)}; it must give scores "
            f"of {shape[0]} rows and {shape[1]} items, [{shape[0]}, {shape[1]}] or flat"
        )
    return scores.reshape(shape)


def _are_rows(scores: Tensor, rows: int, items: int) -> bool:
    flat = max(scores.shape, default=0) == scores.numel()  # [B·V], as EASE's [1, B·V]
    return scores.numel() == rows * items and (flat or scores.shape[-1] == items)


def _scores_pairs_alone(model: nn.Module) -> bool:
    """Whether its full_sort_predict is still that of RecBole's base class, which only raises."""
    own = getattr(type(model), "full_sort_predict", None)
    return own is AbstractRecommender.full_sort_predict


def _scores_by_pairs(
    model: nn.Module, interaction: Interaction, dataset: FlatOrder, device: torch.device | str
) -> Tensor:
    """[B, V] through ``predict``, a user at a time.

    Each pair has its own item's columns beside its user's, none of the held-out item's.
    """
    n_items, interaction = dataset.store.n_items, interaction.to("cpu")  # where the columns lie
    every_item = Interaction({dataset.iid_field: torch.arange(n_items)})
    rows = []
    for row in range(len(interaction)):
        pairs = interaction[[row]].repeat_interleave(n_items)
        pairs.update(every_item)
        scores = model.predict(dataset.join(pairs).to(device))  # type: ignore[operator]
        if not isinstance(scores, Tensor) or scores.numel() != n_items:
            raise ModelError(
                f"{type(model).__name__}.predict gave {kind_of(scores)}; it must give a score for "
                f"each of {n_items} pairs"
            )
        rows.append(scores.reshape(n_items))
    return torch.stack(rows)
