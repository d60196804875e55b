"""Stochastic shared embeddings, users' vectors and where they stand in a sequence."""

from __future__ import annotations

import math

import pytest
import torch

from recbole_ext.nn.embedding import (
    ItemEncoder,
    RandomReplacement,
    SequenceEmbedding,
    UserEmbedding,
)

N_ITEMS, N_USERS, LENGTH = 12, 6, 5
IDS = torch.tensor([[0, 0, 3, 1, 2], [4, 5, 6, 7, 11], [0, 8, 9, 9, 10]])
USERS = torch.tensor([1, 5, 2])


def embedding(scale: bool = True, item: float = 0.0, user: float = 0.0) -> SequenceEmbedding:
    torch.manual_seed(0)
    built = SequenceEmbedding(
        ItemEncoder(N_ITEMS, 4), LENGTH, True, scale, 0.0,
        users=UserEmbedding(N_USERS, 2, user), replace_items=RandomReplacement(N_ITEMS, item),
    )  # fmt: skip
    built.initialize(1.0)
    return built.eval()


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_the_share_of_replaced_ids(probability: float) -> None:
    torch.manual_seed(0)
    ids = torch.full((100_000,), 7)
    replaced = (RandomReplacement(11, probability)(ids) != ids).double().mean()
    expected = probability * 9 / 10  # one in ten draws the same id again
    assert abs(replaced - expected) <= 5 * math.sqrt(expected * (1 - expected) / len(ids))


def test_replacements_are_all_real_ids_alike() -> None:
    torch.manual_seed(0)
    drawn = RandomReplacement(5, 1.0)(torch.ones(40_000, dtype=torch.int64))
    counts = torch.bincount(drawn, minlength=5)
    assert counts[0] == 0
    assert len(counts) == 5
    assert (counts[1:] - 10_000).abs().max() < 5 * math.sqrt(40_000 * 0.25 * 0.75)


def test_padding_and_ids_beyond_the_range_are_never_replaced() -> None:
    ids = torch.tensor([0, 11, 12, 40])
    assert torch.equal(RandomReplacement(11, 1.0)(ids), ids)


@pytest.mark.parametrize(("mode", "probability"), [("eval", 1.0), ("train", 0.0)])
def test_nothing_is_replaced_or_drawn_in_eval_mode_or_at_probability_0(
    mode: str, probability: float
) -> None:
    replace = RandomReplacement(11, probability).train(mode == "train")
    before = torch.get_rng_state()
    assert replace(IDS) is IDS
    assert torch.equal(torch.get_rng_state(), before)


@torch.no_grad()
@pytest.mark.parametrize("scale", [True, False])
def test_user_vectors_stand_behind_item_vectors(scale: bool) -> None:
    built = embedding(scale)
    assert built.users is not None
    assert built.positions is not None
    x = built(IDS, IDS != 0, USERS)
    items, users = built.items.weight, built.users.table.weight
    assert items is not None
    for row, ids in enumerate(IDS.tolist()):
        for slot, item in enumerate(ids):
            parts = torch.cat(
                [
                    items[item] * (2.0 if scale else 1.0),
                    users[USERS[row]] * (math.sqrt(2.0) if scale else 1.0),
                ]
            )
            expected = (parts + built.positions.weight[slot]) * (item != 0)
            torch.testing.assert_close(x[row, slot], expected)


@torch.no_grad()
def test_an_unknown_user_has_the_mean_vector() -> None:
    users = embedding().users
    assert users is not None
    mean = users.table.weight[1:].mean(0)
    vectors = users(torch.tensor([0, 3]))
    torch.testing.assert_close(vectors, torch.stack([mean, users.table.weight[3]]))
    assert not users.table.weight[0].any()


def test_known_users_gradients_are_not_touched_by_the_mean() -> None:
    users = embedding().users
    assert users is not None
    users(torch.tensor([0, 3])).sum().backward()
    grad = users.table.weight.grad
    assert grad is not None
    assert grad.sum(1).tolist() == [0.0, 0.0, 0.0, 2.0, 0.0, 0.0]


@torch.no_grad()
def test_without_users_a_sequence_is_an_unknown_users() -> None:
    built = embedding()
    known, unknown = built(IDS, IDS != 0, USERS), built(IDS, IDS != 0)
    assert torch.equal(unknown, built(IDS, IDS != 0, torch.zeros(3, dtype=torch.int64)))
    assert torch.equal(unknown[..., :4], known[..., :4])
    assert (unknown[..., 4:] - known[..., 4:]).abs().amax(-1)[IDS != 0].min() > 1e-3


@torch.no_grad()
def test_training_replaces_items_and_users_apart_and_keeps_padding() -> None:
    plain = embedding().eval()(IDS, IDS != 0, USERS)
    items = embedding(item=1.0).train()(IDS, IDS != 0, USERS)
    users = embedding(user=1.0).train()(IDS, IDS != 0, USERS)
    assert torch.equal(items[..., 4:], plain[..., 4:])
    assert not torch.equal(items[..., :4], plain[..., :4])
    assert torch.equal(users[..., :4], plain[..., :4])
    assert not torch.equal(users[..., 4:], plain[..., 4:])
    for x in (items, users):
        assert not x[IDS == 0].any()
