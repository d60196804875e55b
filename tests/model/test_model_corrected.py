"""CorrectedSASRec: each prefix is trained at the positions and the score it is ranked with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from recbole.data.interaction import Interaction
from tiny_model import LENGTH, N_ITEMS, batch, build

from recbole_ext.config import ExtConfig
from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.data.loaders import SequenceLoader
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import SequenceStore
from recbole_ext.errors import ConfigError
from recbole_ext.model.base import right_align
from recbole_ext.model.composable import ComposableRecommender

NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attn_dropout_prob": 0.0}


def store() -> SequenceStore:
    draw = np.random.default_rng(1)
    offsets = np.concatenate([[0, 0], np.cumsum(draw.integers(3, 14, 30))]).astype(np.int64)
    return SequenceStore(draw.integers(1, N_ITEMS, offsets[-1]), offsets, N_ITEMS)


def loader(**changes: Any) -> SequenceLoader:
    small = {"MAX_ITEM_LIST_LENGTH": LENGTH, "train_batch_size": 8, "use_gpu": False}
    config = ExtConfig("CorrectedSASRec", "shop", config_dict={**small, **changes})
    data: Any = SimpleNamespace(store=store())
    return SequenceLoader(config, data, leave_one_out(data.store))


def prefixes() -> dict[tuple[int, ...], int]:
    """Every training prefix, with its user in front, cut to its newest items -> the next item."""
    found = {}
    held = store()
    for user in range(1, held.n_users):
        items = held.sequence(user).tolist()[:-2]
        for end in range(1, len(items)):
            found[(user, end, *items[max(0, end - LENGTH) : end])] = items[end]
    return found


def rows(one: Interaction) -> list[tuple[tuple[int, ...], int]]:
    lists, users, targets = one["item_id_list"].tolist(), one["user_id"], one["item_id"]
    return [((int(u), *s), int(t)) for s, u, t in zip(lists, users, targets, strict=True)]


def test_every_prefix_once_nothing_padded_nothing_cut() -> None:
    seen = []
    for one in loader():
        assert one["item_length"].unique().tolist() == [one["item_id_list"].shape[1]]
        assert (one["item_id_list"] > 0).all()
        assert TARGET_COUNT not in one
        seen += rows(one)
    expected = [((key[0], *key[2:]), target) for key, target in prefixes().items()]
    assert sorted(seen) == sorted(expected)


def test_the_lengths_come_in_another_order_each_epoch() -> None:
    source = loader()
    orders = [[one["item_id_list"].shape[1] for one in source] for _ in range(3)]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])
    assert all(order != sorted(order) for order in orders)
    assert orders[0] != orders[1] != orders[2]


@torch.no_grad()
def test_training_scores_are_those_of_inference() -> None:
    """In training mode, in a batch of one length; ranked in a padded batch of all lengths."""
    model = build("CorrectedSASRec", **NO_DROPOUT)
    trained: dict[tuple[int, ...], torch.Tensor] = {}
    model.train()
    for one in loader():
        aligned = right_align(one["item_id_list"], one["item_length"])
        states = model.encode(aligned, last_only=True).squeeze(1)
        pairs = zip(one["item_id_list"].tolist(), states @ model.item_table.T, strict=True)
        trained |= {tuple(items): scores for items, scores in pairs}
    model.eval()
    assert {len(items) for items in trained} == set(range(1, LENGTH + 1))
    ranked = model.full_sort_predict(batch(tuple(trained), (1,) * len(trained)))
    torch.testing.assert_close(torch.stack(list(trained.values())), ranked, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_the_packed_absolute_form_trains_other_scores_than_it_ranks_with() -> None:
    """The defect: inside a longer row a prefix is at the slots of another length."""
    model = build("VanillaAR", **NO_DROPOUT)
    history = (3, 5, 7, 2, 9, 4)
    inside = model.encode(torch.tensor([history]))[0]
    for end in range(1, len(history)):
        alone = model.encode(torch.tensor([history[:end]]))[0, -1]
        assert (inside[end - 1] - alone).abs().max() > 1e-2
    torch.testing.assert_close(
        inside[-1], model.encode(torch.tensor([history]), last_only=True)[0, 0]
    )


def test_the_newest_item_is_at_position_1_whatever_the_length() -> None:
    """Only the last m rows of the position table bear on a prefix of m items."""
    model = build("CorrectedSASRec")
    positions = model.embedding.positions
    assert positions is not None
    for length in range(1, LENGTH + 1):
        model.zero_grad()
        one = batch((tuple(range(1, length + 1)),), (7,), width=length)
        model.calculate_loss(one).backward()
        moved = positions.weight.grad.abs().sum(1) > 0
        assert moved.tolist() == [False] * (LENGTH - length) + [True] * length


def test_the_loss_is_the_mean_over_prefixes() -> None:
    model = build("CorrectedSASRec", **NO_DROPOUT).train()
    batches = list(loader())
    total = sum(model.calculate_loss(one).item() for one in batches) / len(batches)
    by_hand = []
    for key, target in prefixes().items():
        scores = naive_scores(model, key[2:])
        by_hand.append(torch.logsumexp(scores[1:], 0) - scores[target])
    assert total == pytest.approx(torch.stack(by_hand).mean().item(), rel=1e-5)
    assert all(len(one[TARGET_WEIGHT].unique()) == 1 for one in batches)


@torch.no_grad()
def naive_scores(model: ComposableRecommender, history: tuple[int, ...]) -> torch.Tensor:
    return model.encode(torch.tensor([history]))[0, -1] @ model.item_table.T


def test_recboles_models_have_no_batches_of_equal_length() -> None:
    with pytest.raises(ConfigError) as error:
        ExtConfig("SASRec", "shop", config_dict={"batch_by": "equal_length"})
    assert str(error.value) == (
        "batch_by: 'equal_length' (from config_dict) is for recbole_ext's own models; RecBole's "
        "SASRec trains on RecBole's batches of mixed lengths, similar_length"
    )
