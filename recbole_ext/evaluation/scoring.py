"""Scores of all items from any model, by whichever of RecBole's methods it has."""

from __future__ import annotations

import torch
from recbole.data.interaction import Interaction
from torch import Tensor, nn

from recbole_ext.data.dataset import FlatOrder


def scores_of_all(
    model: nn.Module, interaction: Interaction, dataset: FlatOrder, device: torch.device | str
) -> Tensor:
    """[B, V] scores; some of RecBole's models return them flat, some only score pairs."""
    try:
        scores: Tensor = model.full_sort_predict(interaction.to(device))  # type: ignore[operator]
    except NotImplementedError:
        return _scores_by_pairs(model, interaction, dataset, device)
    return scores.view(-1, dataset.store.n_items)


def _scores_by_pairs(
    model: nn.Module, interaction: Interaction, dataset: FlatOrder, device: torch.device | str
) -> Tensor:
    """[B, V] through ``predict``, a user at a time.

    Each pair has its own item's columns beside its user's, and nothing of a held-out item.
    """
    n_items, interaction = dataset.store.n_items, interaction.to("cpu")  # where the columns lie
    every_item = Interaction({dataset.iid_field: torch.arange(n_items)})
    rows = []
    for row in range(len(interaction)):
        pairs = interaction[[row]].repeat_interleave(n_items)
        pairs.update(every_item)
        rows.append(model.predict(dataset.join(pairs).to(device)))  # type: ignore[operator]
    return torch.stack(rows)
