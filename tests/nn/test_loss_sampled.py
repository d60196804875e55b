"""The sampled losses: values worked by hand, gradients, hits, weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from recbole_ext.nn.negatives import Negatives
from recbole_ext.nn.sampled_losses import (
    Scores,
    bpr,
    gbce_beta,
    generalized_bce,
    sampled_softmax,
    score,
    weighted_sum,
)

LOSSES: dict[str, Callable[[Scores], Tensor]] = {
    "BCE": partial(generalized_bce, beta=1.0),
    "gBCE": partial(generalized_bce, beta=0.5),
    "BPR": bpr,
    "sampled_softmax": partial(sampled_softmax, logq_correction=True),
    "uncorrected": partial(sampled_softmax, logq_correction=False),
}
# Scores log 3 against log 1 and log 2: σ(log 3) = 3/4, 1 - σ(0) = 1/2, 1 - σ(log 2) = 1/3.
BY_HAND = {
    "BCE": -math.log(3 / 4 * 1 / 2 * 1 / 3) / 3,
    "gBCE": -(0.5 * math.log(3 / 4) + math.log(1 / 2 * 1 / 3)) / 3,
    "BPR": (math.log(1 + 1 / 3) + math.log(1 + 2 / 3)) / 2,
    "sampled_softmax": math.log((3 + 1 / 0.5 + 2 / 4) / 3),  # expected counts 1/2 and 4
    "uncorrected": math.log((3 + 1 + 2) / 3),
}
SECOND_IS_A_HIT = {
    "BCE": -math.log(3 / 4 * 1 / 2) / 3,
    "gBCE": -(0.5 * math.log(3 / 4) + math.log(1 / 2)) / 3,
    "BPR": math.log(1 + 1 / 3) / 2,
    "sampled_softmax": math.log((3 + 1 / 0.5) / 3),
    "uncorrected": math.log((3 + 1) / 3),
}


def by_hand(hit: bool) -> Scores:
    return Scores(
        torch.tensor([3.0], dtype=torch.float64).log(),
        torch.tensor([[1.0, 2.0]], dtype=torch.float64).log(),
        torch.tensor([[False, hit]]),
        torch.tensor([0.5, 4.0], dtype=torch.float64).log(),
    )


@pytest.mark.parametrize("name", LOSSES)
def test_values_worked_by_hand(name: str) -> None:
    assert LOSSES[name](by_hand(hit=False)).item() == pytest.approx(BY_HAND[name], rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_a_draw_of_the_target_is_no_negative(name: str) -> None:
    found = LOSSES[name](by_hand(hit=True)).item()
    assert found == pytest.approx(SECOND_IS_A_HIT[name], rel=1e-12)


@pytest.mark.parametrize(
    ("n_negatives", "n_items", "t", "beta"),
    [(3, 13, 0.0, 1.0), (3, 13, 1.0, 0.25), (3, 13, 0.5, 0.625), (12, 13, 0.75, 1.0)],
)
def test_beta_of_gbce(n_negatives: int, n_items: int, t: float, beta: float) -> None:
    assert gbce_beta(n_negatives, n_items, t) == pytest.approx(beta, rel=1e-12)


def data(shared: bool, positions: int = 4) -> tuple[Tensor, Tensor, Tensor, Negatives]:
    """states [4, 3], table [9, 3], targets [4] and 5 draws; some of them hit, some repeat."""
    generator = torch.Generator().manual_seed(3)
    states = torch.randn(positions, 3, generator=generator, dtype=torch.float64)
    table = torch.randn(9, 3, generator=generator, dtype=torch.float64)
    ids = torch.tensor([2, 5, 5, 7, 1]) if shared else torch.tensor([[2, 5, 5, 7, 1]] * positions)
    if not shared:
        ids[1] = torch.tensor([3, 3, 8, 4, 6])
    log_expected = torch.randn(ids.shape, generator=generator, dtype=torch.float64)
    targets = torch.tensor([5, 3, 8, 2])[:positions]
    return (
        states.requires_grad_(),
        table.requires_grad_(),
        targets,
        Negatives(ids, log_expected),
    )


@pytest.mark.parametrize("shared", [True, False])
def test_scores_are_inner_products(shared: bool) -> None:
    states, table, targets, negatives = data(shared)
    found = score(states, table, targets, negatives)
    for p in range(4):
        ids = negatives.ids if shared else negatives.ids[p]
        assert found.target[p].item() == pytest.approx((states[p] @ table[targets[p]]).item())
        for n, item in enumerate(ids.tolist()):
            assert found.negative[p, n].item() == pytest.approx((states[p] @ table[item]).item())
            assert bool(found.hits[p, n]) == (item == int(targets[p]))
    assert int(found.hits.sum()) == (3 if shared else 5)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shared", [True, False])
def test_gradcheck(name: str, shared: bool) -> None:
    states, table, targets, negatives = data(shared)

    def loss(h: Tensor, e: Tensor) -> Tensor:
        return LOSSES[name](score(h, e, targets, negatives))

    assert torch.autograd.gradcheck(loss, (states, table))


@pytest.mark.parametrize("name", LOSSES)
def test_one_draw_for_all_equals_the_same_draw_for_each(name: str) -> None:
    states, table, targets, negatives = data(shared=True)
    each = Negatives(negatives.ids.expand(4, -1), negatives.log_expected.expand(4, -1))
    together, apart = (
        LOSSES[name](score(states, table, targets, drawn)) for drawn in (negatives, each)
    )
    torch.testing.assert_close(together, apart)
    inputs = (states, table)
    for a, b in zip(
        torch.autograd.grad(together.sum(), inputs),
        torch.autograd.grad(apart.sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", LOSSES)
def test_items_that_are_not_drawn_get_no_gradient(name: str) -> None:
    states, table, targets, negatives = data(shared=True)
    (gradient,) = torch.autograd.grad(
        LOSSES[name](score(states, table, targets, negatives)).sum(), table
    )
    assert gradient.any(1).nonzero()[:, 0].tolist() == [1, 2, 3, 5, 7, 8]


@pytest.mark.parametrize("name", LOSSES)
def test_only_hits_leave_the_targets_part(name: str) -> None:
    """All draws are the target: a finite loss, and no gradient that is not a number."""
    states, table, targets, _ = data(shared=True, positions=1)
    drawn = Negatives(targets.expand(3), torch.full((3,), float("-inf"), dtype=torch.float64))
    loss = LOSSES[name](score(states, table, targets, drawn)).sum()
    gradient = torch.autograd.grad(loss, (states, table))
    assert loss.isfinite() and all(g.isfinite().all() for g in gradient)
    if "BCE" not in name:
        assert loss.item() == 0.0


@pytest.mark.parametrize("name", LOSSES)
def test_huge_scores_overflow_nowhere(name: str) -> None:
    states, table, targets, negatives = data(shared=True)
    with torch.no_grad():
        states *= 1e4
    loss = LOSSES[name](score(states, table, targets, negatives)).sum()
    assert loss.isfinite()
    assert all(g.isfinite().all() for g in torch.autograd.grad(loss, (states, table)))


def test_half_precision_states_are_scored_in_fp32() -> None:
    states, table, targets, negatives = data(shared=True)
    with torch.autocast("cpu", torch.bfloat16):
        found = score(states.float(), table.float(), targets, negatives)
    exact = score(states, table, targets, negatives)
    assert found.negative.dtype == found.target.dtype == torch.float32
    torch.testing.assert_close(found.negative.double(), exact.negative, rtol=1e-5, atol=1e-5)


def test_weights() -> None:
    losses, weights = torch.tensor([1.0, 10.0, 100.0]), torch.tensor([2.0, 0.0, 0.5])
    assert weighted_sum(losses, weights).item() == 52.0
    assert weighted_sum(losses, None).item() == 37.0
    assert weighted_sum(losses[:0], None).item() == 0.0
