"""What a step of training moves, and what it must not move."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_model import batch, build
from torch import Tensor

from recbole_ext.data.batches import TARGET_COUNT
from recbole_ext.model.composable import ComposableRecommender

ALL = {TARGET_COUNT: (6, 4, 2, 1)}
MODELS: list[dict[str, Any]] = [
    {},
    {"norm_position": "post"},
    {"remask_padding": False},
    {"padding_as_class": True},
    {"position_embedding": "learned", "attention": "dot_product"},
]


def train(model: ComposableRecommender, steps: int, seed: int = 0) -> list[float]:
    torch.manual_seed(seed)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.98))
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model.calculate_loss(batch(**ALL))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    return losses


def gradient_of_the_table(model: ComposableRecommender) -> Tensor:
    model.calculate_loss(batch(**ALL)).backward()
    assert model.item_table.grad is not None
    return model.item_table.grad


@pytest.mark.parametrize("changes", MODELS, ids=str)
def test_padding_gets_no_gradient_and_stays_zero(changes: dict[str, Any]) -> None:
    """With PAD as a class too: its logit is 0 for ever, it is no item that learns."""
    model = build(**changes)
    gradient = gradient_of_the_table(model)
    assert not gradient[0].any()
    assert gradient[1:].any(-1).all()  # every item is a class
    train(model, 3)
    assert not model.item_table[0].any()


@pytest.mark.parametrize("changes", MODELS, ids=str)
def test_every_parameter_learns(changes: dict[str, Any]) -> None:
    model = build(**changes)
    model.calculate_loss(batch(**ALL)).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # Adding one number to all keys' scores moves no softmax.
    assert {name.rsplit(".", 2)[-2] for name in idle} <= {"key"}


def test_unused_projections_get_no_gradient() -> None:
    model = build(unused_qk_projections=True)
    model.calculate_loss(batch(**ALL)).backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None}
    assert idle == {name for name, _ in model.named_parameters() if "unused" in name}
    assert len(idle) == 8


def test_it_learns_four_histories_by_heart() -> None:
    model = build(hidden_dropout_prob=0.0, attn_dropout_prob=0.0, random=False)
    losses = train(model, 120)
    assert losses[0] > 2.5 and losses[-1] < 0.3


def test_a_seed_gives_the_same_weights() -> None:
    first, second = build(random=False), build(random=False)
    assert train(first, 3) == train(second, 3)
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert train(build(random=False), 3, seed=1) != train(build(random=False), 3)


def test_dropout_acts_in_training_alone() -> None:
    model = build()
    interaction = batch(**ALL)
    assert torch.equal(model.calculate_loss(interaction), model.calculate_loss(interaction))
    model.train()
    assert not torch.equal(model.calculate_loss(interaction), model.calculate_loss(interaction))
    model = build(hidden_dropout_prob=0.0, attn_dropout_prob=0.0)
    exact = model.calculate_loss(interaction)
    assert torch.equal(model.train().calculate_loss(interaction), exact)


@pytest.mark.parametrize("key", ["hidden_dropout_prob", "attn_dropout_prob", "mixer_dropout_prob"])
def test_each_dropout_key_acts(key: str) -> None:
    off = dict.fromkeys(("hidden_dropout_prob", "attn_dropout_prob", "mixer_dropout_prob"), 0.0)
    model = build(**{**off, key: 0.5}).train()
    assert not torch.equal(model.calculate_loss(batch()), model.calculate_loss(batch()))


def test_initial_values() -> None:
    model = build(
        random=False, initializer_range=0.02, hidden_size=64, position_embedding="learned"
    )
    assert model.embedding.positions is not None
    assert not model.item_table[0].any()
    for table in (model.item_table[1:], model.embedding.positions.weight):
        assert table.std().item() == pytest.approx(0.02, rel=0.15)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        elif name.endswith("value.weight"):  # Xavier: 2 / (fan in + fan out)
            assert parameter.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.1)
