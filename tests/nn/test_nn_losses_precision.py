"""Which precision the products of the loss have, and how far bfloat16 is from float32."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recbole_ext.nn import losses
from recbole_ext.nn.losses import linear_cross_entropy, product_dtype


@pytest.fixture(scope="module")
def problem() -> tuple[Tensor, Tensor, Tensor]:
    """hidden [P, d], table [V, d], targets [P], of the size of a trained model's."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(512, 32, generator=generator)
    table = 0.4 * torch.randn(500, 32, generator=generator)
    targets = torch.randint(0, 500, (512,), generator=generator)
    return hidden, table, targets


def results(
    problem: tuple[Tensor, Tensor, Tensor], precision: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss of each position [P] and the two gradients of their mean."""
    hidden, table, targets = problem
    each = [
        linear_cross_entropy(hidden[i : i + 1], table, targets[i : i + 1], precision=precision)
        for i in range(len(hidden))
    ]
    states, items = hidden.clone().requires_grad_(), table.clone().requires_grad_()
    loss = linear_cross_entropy(states, items, targets, precision=precision, chunk_size=96)
    loss.backward()
    torch.testing.assert_close(loss, torch.stack(each).mean(), rtol=2e-3, atol=0)
    assert states.grad is not None and items.grad is not None
    return torch.stack(each), states.grad, items.grad


def test_bfloat16_is_close_and_unbiased(problem: tuple[Tensor, Tensor, Tensor]) -> None:
    """bfloat16 keeps 8 bits: 0.4 % of a logit or share. On average the error must vanish."""
    exact, rough = results(problem, "float32"), results(problem, "bfloat16")
    error = rough[0] - exact[0]
    assert 0.0 < error.abs().max() < 0.06
    assert error.mean().abs() < 5 * error.std() / len(error) ** 0.5
    assert error.mean().abs() < 2e-3
    for ours, expected in zip(rough[1:], exact[1:], strict=True):
        assert (ours - expected).norm() < 0.01 * expected.norm()
        slope = (ours * expected).sum() / expected.square().sum()
        assert slope == pytest.approx(1.0, abs=1e-3)
        assert not torch.equal(ours, expected)


def test_a_confident_model_in_bfloat16() -> None:
    """Shares near 0 and 1: the loss stays finite, the gradient of a sure hit is nearly none."""
    table = torch.eye(64)
    hidden = 30.0 * torch.eye(64)[:2]
    states = hidden.requires_grad_()
    hit, miss = (
        linear_cross_entropy(states, table, torch.tensor(t), precision="bfloat16")
        for t in ([0, 1], [5, 6])
    )
    assert hit.item() == pytest.approx(0.0, abs=1e-6)
    assert miss.item() == pytest.approx(30.0, rel=1e-2)
    (gradient,) = torch.autograd.grad(hit, states)
    assert gradient.abs().max() < 1e-6


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_float64_is_never_rounded(precision: str) -> None:
    assert product_dtype(precision, torch.empty(1, dtype=torch.float64)) == torch.float64


@pytest.mark.parametrize(("fast", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_takes_bfloat16_where_the_hardware_has_it(
    fast: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "has_fast_bfloat16", lambda device: fast)
    for dtype in (torch.float32, torch.bfloat16):
        assert product_dtype("auto", torch.empty(1, dtype=dtype)) == expected
    assert product_dtype("bfloat16", torch.empty(1)) == torch.bfloat16
    assert product_dtype("float32", torch.empty(1)) == torch.float32


def test_a_device_without_matrix_units_is_not_fast() -> None:
    assert losses.has_fast_bfloat16(torch.device("meta")) is False


@pytest.mark.parametrize("state_dtype", [torch.float32, torch.bfloat16])
def test_float32_is_exact_under_autocast(
    problem: tuple[Tensor, Tensor, Tensor], state_dtype: torch.dtype
) -> None:
    """Mixed precision around the loss does not reach into it, even where it rounds the states."""
    hidden, table, targets = problem
    states, items = hidden.to(state_dtype).requires_grad_(), table.clone().requires_grad_()
    expected = torch.nn.functional.cross_entropy(states.float() @ items.T, targets)
    expected_gradients = torch.autograd.grad(expected, [states, items])
    with torch.autocast("cpu", torch.bfloat16):
        ours = linear_cross_entropy(states, items, targets, precision="float32")
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=0)
    by_state, by_item = torch.autograd.grad(ours, [states, items])
    last_bit = 2**-7 if state_dtype == torch.bfloat16 else 1e-5  # of the gradient's own dtype
    torch.testing.assert_close(by_state, expected_gradients[0], rtol=last_bit, atol=1e-7)
    torch.testing.assert_close(by_item, expected_gradients[1], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_items_in_bfloat16_beside_wider_states(
    precision: str, problem: tuple[Tensor, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixed precision makes them so where they come out of a matrix product (features joined)."""
    monkeypatch.setattr(losses, "has_fast_bfloat16", lambda device: False)
    hidden, table, targets = problem
    states, items = hidden.clone().requires_grad_(), table.bfloat16().requires_grad_()
    expected = torch.nn.functional.cross_entropy(states @ items.float().T, targets)
    ours = linear_cross_entropy(states, items, targets, precision=precision)
    assert ours.dtype == torch.float32
    close = {"rtol": 3e-2, "atol": 3e-4}
    torch.testing.assert_close(ours, expected, **close)
    wanted = torch.autograd.grad(expected, [states, items])
    for found, right in zip(torch.autograd.grad(ours, [states, items]), wanted, strict=True):
        torch.testing.assert_close(found, right, **close)


def test_bfloat16_under_autocast_is_bfloat16_without(
    problem: tuple[Tensor, Tensor, Tensor],
) -> None:
    hidden, table, targets = problem
    outside = linear_cross_entropy(hidden, table, targets, precision="bfloat16")
    with torch.autocast("cpu", torch.bfloat16):
        inside = linear_cross_entropy(hidden, table, targets, precision="bfloat16")
    assert torch.equal(inside, outside)


@pytest.mark.parametrize("unit", losses.FAST_BFLOAT16_UNITS)
def test_a_processor_with_bfloat16_products_is_fast(
    monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    if not hasattr(torch.cpu, "get_capabilities"):
        pytest.skip("this torch does not list the processor's units")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {unit: True, "avx512_f": True})
    assert losses.has_fast_bfloat16(torch.device("cpu"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True})
    assert not losses.has_fast_bfloat16(torch.device("cpu"))
