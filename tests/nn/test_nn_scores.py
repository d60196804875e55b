"""Queries and tables: their product is the score that each class names."""

from __future__ import annotations

import pytest
import torch

from recbole_ext.nn.losses import linear_cross_entropy
from recbole_ext.nn.scores import CosineScores, DotScores, UserScores

TARGETS = torch.tensor([1, 4, 2, 3, 3])


def case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    states, items, users = torch.randn(5, 6), torch.randn(7, 6), torch.randn(5, 2)
    items[0] = 0.0
    return states.double(), items.double(), users.double()


def test_dot() -> None:
    states, items, _ = case()
    scores = DotScores()
    found = scores.queries(states, None) @ scores.table(items).T
    assert torch.equal(found, states @ items.T)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_cosine(temperature: float) -> None:
    states, items, _ = case()
    scores = CosineScores(temperature)
    found = scores.queries(states, None) @ scores.table(items).T
    for row, state in enumerate(states):
        for column, item in enumerate(items[1:], 1):
            cosine = (state @ item) / (state.norm() * item.norm())
            assert found[row, column] == pytest.approx(float(cosine) / temperature)
    assert not found[:, 0].any()


def test_cosine_does_not_see_lengths() -> None:
    states, items, _ = case()
    scores = CosineScores(0.1)
    stretched = torch.arange(1.0, 8.0).double().unsqueeze(1) * items
    torch.testing.assert_close(scores.table(stretched), scores.table(items))
    torch.testing.assert_close(scores.queries(9 * states, None), scores.queries(states, None))


def test_the_gradient_goes_through_the_normalisation() -> None:
    """Against finite differences, in float64, the fused loss included."""
    states, items, _ = (tensor.requires_grad_() for tensor in case())

    def loss(states: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        scores = CosineScores(0.2)
        return linear_cross_entropy(
            scores.queries(states, None), scores.table(items), TARGETS, first_class=1
        )

    rows = items[1:].detach().requires_grad_()  # row 0 is zero: no cosine, nothing to check
    padded = lambda states, rows: loss(states, torch.cat([rows.new_zeros(1, 6), rows]))  # noqa: E731
    assert torch.autograd.gradcheck(padded, (states, rows))
    loss(states, items).backward()
    assert items.grad is not None
    assert not items.grad[0].any()
    # A unit vector cannot grow: the gradient is orthogonal to it.
    assert (items.grad * items).sum(-1).abs().max() < 1e-12
    assert (states.grad * states).sum(-1).abs().max() < 1e-12  # type: ignore[operator]


def test_a_zero_vector_has_a_finite_gradient() -> None:
    zero = torch.zeros(1, 3, requires_grad=True)
    CosineScores(1.0).table(zero).sum().backward()
    assert zero.grad is not None
    assert zero.grad.abs().max() <= 1.0


def test_users_add_the_same_to_all_scores() -> None:
    states, items, users = case()
    scores = UserScores(4, differences_only=True).eval()
    found = scores.queries(states, users) @ scores.table(items[:, :4]).T
    shift = (states[:, 4:] * users).sum(-1, keepdim=True)
    torch.testing.assert_close(found, states[:, :4] @ items[:, :4].T + shift)


@pytest.mark.parametrize(("differences_only", "width"), [(True, 4), (False, 5)])
def test_training_leaves_the_constant_out_only_where_the_loss_does_not_see_it(
    differences_only: bool, width: int
) -> None:
    states, items, users = case()
    scores = UserScores(4, differences_only).train()
    assert scores.queries(states, users).shape == (5, width)
    assert scores.table(items[:, :4]).shape == (7, width)
