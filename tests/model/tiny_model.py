"""A model of this library with a few items, built from a configuration and no data."""

from __future__ import annotations

from typing import Any

import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.config import ExtConfig
from recbole_ext.model.composable import ComposableRecommender

N_ITEMS = 20  # PAD included
LENGTH = 6
HISTORIES = ((3, 5, 7, 2, 9, 4), (8, 8, 1, 6), (11, 3), (19,))
NEXT = (6, 3, 1, 12)


class FakeDataset:
    """All that a model asks of a dataset."""

    def num(self, field: str) -> int:
        return N_ITEMS


def build(
    model: str = "FPARec", seed: int = 0, random: bool = True, **changes: Any
) -> ComposableRecommender:
    """In eval mode; ``random`` gives LayerNorms, biases and position scores an effect."""
    small = {
        "use_gpu": False,
        "hidden_size": 8,
        "inner_size": 8,
        "MAX_ITEM_LIST_LENGTH": LENGTH,
        "factor_rank": 3,
        "initializer_range": 0.3,
        "loss_precision": "float32",
    }
    config = ExtConfig(model, "shop", config_dict={**small, **changes})
    torch.manual_seed(seed)
    built = config.model_class(config, FakeDataset())
    if random:
        with torch.no_grad():
            for parameter in built.encoder.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return built.eval()


def batch(
    histories: tuple[tuple[int, ...], ...] = HISTORIES,
    targets: tuple[int, ...] = NEXT,
    width: int = LENGTH,
    **columns: Any,
) -> Interaction:
    """As RecBole's loaders give it: left-aligned, padded with 0 on the right."""
    ids = torch.zeros(len(histories), width, dtype=torch.int64)
    for row, history in zip(ids, histories, strict=True):
        row[: len(history)] = torch.tensor(history)
    return Interaction(
        {
            "user_id": torch.arange(1, len(histories) + 1),
            "item_id_list": ids,
            "item_length": torch.tensor([len(history) for history in histories]),
            "item_id": torch.tensor(targets),
            **{name: torch.as_tensor(values) for name, values in columns.items()},
        }
    )


def state(model: ComposableRecommender, history: tuple[int, ...]) -> Tensor:
    """The newest state [d] of one history, alone and without padding."""
    return model.encode(torch.tensor([history]))[0, -1]
