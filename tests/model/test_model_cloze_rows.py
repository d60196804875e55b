"""What an epoch of cloze training is made of: every training item, in windows of MAX length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config import ExtConfig
from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.data.loaders import SequenceLoader, build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.model.base import NextItemRecommender

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
LENGTH = 5


def assembled(settings: Settings, **changes: Any) -> tuple[SequenceLoader, NextItemRecommender]:
    """Loader and model on ``ring``; every item of a row is hidden unless said otherwise."""
    given = {"mask_ratio": 1.0, "mask_last_prob": 0.0, "MAX_ITEM_LIST_LENGTH": LENGTH, **changes}
    config = ExtConfig("VanillaAE", "ring", config_dict=settings(**given))
    flat = load_data(config)
    return build_loaders(config, flat, own_model=True).train, config.model_class(config, flat)


def training_parts(loader: SequenceLoader) -> dict[int, list[int]]:
    store, end = loader._store, loader._split.train_end
    return {
        user: store.items[store.offsets[user] : end[user]].tolist()
        for user in range(1, store.n_users)
        if end[user] - store.offsets[user] > 1
    }


def trained(loader: SequenceLoader, model: NextItemRecommender) -> dict[int, Counter[int]]:
    """The items asked for in one epoch, by user."""
    found: dict[int, Counter[int]] = {}
    for interaction in loader:
        task = model.task(interaction)
        assert task.asked is not None and task.inputs.shape[1] <= LENGTH
        users = interaction["user_id"][task.asked.nonzero()[:, 0]]
        for user, item in zip(users.tolist(), task.targets.tolist(), strict=True):
            found.setdefault(user, Counter())[item] += 1
    return found


def test_truncate_takes_the_newest_window_with_the_last_item(settings: Settings) -> None:
    loader, model = assembled(settings)
    expected = {u: Counter(items[-LENGTH:]) for u, items in training_parts(loader).items()}
    assert trained(loader, model) == expected


def test_chunk_loses_no_item(settings: Settings) -> None:
    """Windows share one item, which is then asked for in both; a first item is never cut off."""
    loader, model = assembled(settings, long_sequences="chunk")
    parts = training_parts(loader)
    assert any(len(items) == LENGTH + 1 for items in parts.values())
    for _ in range(4):
        for user, found in trained(loader, model).items():
            counts = Counter(parts[user])
            assert not counts - found
            windows = -(-len(parts[user]) // (LENGTH - 1)) + 1
            assert (found - counts).total() < windows


@pytest.mark.parametrize("mode", ["truncate", "chunk"])
def test_an_epoch_weighs_as_much_as_its_batches(mode: str, settings: Settings) -> None:
    """Σ of all weights is the number of batches; all items of an epoch weigh alike."""
    loader, model = assembled(settings, long_sequences=mode, shuffle=True)
    batches = list(loader)
    weights = torch.cat([model.task(batch).weights for batch in batches])
    assert weights.sum().item() == pytest.approx(len(batches), rel=1e-5)
    assert weights.max().item() == pytest.approx(weights.min().item(), rel=1e-5)
    lengths = torch.cat([batch["item_length"] for batch in batches])
    counts = torch.cat([batch[TARGET_COUNT] for batch in batches])
    assert torch.equal(counts, lengths + 1) and len(weights) == counts.sum()
    assert batches[0][TARGET_WEIGHT][0].item() == pytest.approx(len(batches) / int(counts.sum()))


def test_the_rows_of_ar_are_as_they_were(settings: Settings) -> None:
    loader, model = assembled(settings, direction="ar", mask_ratio=None, mask_last_prob=None)
    for batch in loader:
        assert torch.equal(batch[TARGET_COUNT], batch["item_length"])
    assert int(loader.rows(0).lengths.max()) == LENGTH
    assert model.cloze is None


def test_last_position_hides_in_every_prefix(settings: Settings) -> None:
    loader, model = assembled(settings, train_objective="last_position", mask_ratio=0.5)
    parts = training_parts(loader)
    rows = loader.rows(0)
    assert len(rows) == rows.n_targets == sum(len(items) - 1 for items in parts.values())
    assert np.array_equal(rows.counts, np.ones(len(rows)))
    sums = []
    for batch in loader:
        task = model.task(batch)
        assert TARGET_COUNT not in batch and task.asked is not None
        assert task.asked.any(1).all() and task.weights is not None
        sums.append(task.weights.sum().item())
    assert sum(sums) == pytest.approx(len(sums), rel=0.1)
