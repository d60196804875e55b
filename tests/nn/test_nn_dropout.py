"""Dropout from 16-bit draws: the same expectation as torch's, the identity outside training."""

from __future__ import annotations

import pytest
import torch

from recbole_ext.nn.dropout import Dropout, keep_mask

LEVELS = 65536


@pytest.mark.parametrize("p", [0.01, 0.1, 0.2, 0.5, 0.9, 0.999])
def test_values_and_share_of_the_mask(p: float) -> None:
    torch.manual_seed(0)
    mask = keep_mask(torch.empty(1000, 1000), p)
    dropped = round(p * LEVELS)
    assert mask.unique().tolist() == pytest.approx([0.0, LEVELS / (LEVELS - dropped)])
    share = float((mask == 0).double().mean())
    exact = dropped / LEVELS
    error = (exact * (1 - exact) / mask.numel()) ** 0.5
    assert abs(share - exact) < 5 * error
    assert float(mask.double().mean()) == pytest.approx(1.0, abs=5 * error / (1 - exact))


def test_neighbours_are_independent() -> None:
    """Four elements share one 64-bit number; none of them says anything of another."""
    torch.manual_seed(0)
    kept = (keep_mask(torch.empty(40_000, 4), 0.5) > 0).double()
    correlation = torch.corrcoef(kept.T) - torch.eye(4, dtype=torch.float64)
    assert correlation.abs().max() < 5 / 200
    torch.testing.assert_close(kept.mean(0), torch.full((4,), 0.5).double(), rtol=0, atol=0.0125)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (4,), (5,), (2, 3, 7)])
def test_shapes(shape: tuple[int, ...]) -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        mask = keep_mask(torch.empty(shape, dtype=dtype), 0.5)
        assert mask.shape == shape and mask.dtype == dtype


def test_a_transposed_input() -> None:
    x = torch.ones(4, 6).T
    assert Dropout(0.5).train()(x).shape == (6, 4)


@pytest.mark.parametrize("p", [1e-9, 1 - 1e-9])
def test_extreme_probabilities_neither_vanish_nor_divide_by_zero(p: float) -> None:
    torch.manual_seed(0)
    values = keep_mask(torch.empty(1_000_000), p).unique()
    largest = LEVELS if p > 0.5 else LEVELS / (LEVELS - 1)
    torch.testing.assert_close(values, torch.tensor([0.0, largest]))


def test_a_seed_gives_one_mask() -> None:
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return keep_mask(torch.empty(50, 50), 0.3)

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    torch.manual_seed(1)
    assert not torch.equal(keep_mask(torch.empty(50, 50), 0.3), keep_mask(torch.empty(50, 50), 0.3))


def test_without_dropout_it_is_the_identity() -> None:
    x = torch.randn(5, 6)
    assert Dropout(0.0).train()(x) is x
    assert Dropout(0.5).eval()(x) is x


def test_dropping_everything() -> None:
    assert not Dropout(1.0).train()(torch.ones(9)).any()


def test_the_expectation_and_the_gradient() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, dtype=torch.float64, requires_grad=True)
    many = Dropout(0.3).train()(x.expand(100_000, 8))
    error = x.detach().abs() * (0.3 / 0.7 / 100_000) ** 0.5
    assert ((many.mean(0) - x).abs() < 5 * error).all()
    (gradient,) = torch.autograd.grad(many.sum(), x)
    torch.testing.assert_close(gradient, (many.sum(0) / x).detach())


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_a_probability_outside_the_unit_interval_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="has to be between 0 and 1"):
        Dropout(p)
