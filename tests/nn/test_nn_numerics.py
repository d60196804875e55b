"""Extreme scores, and what becomes of them."""

from __future__ import annotations

import naive
import pytest
import torch
from nn_cases import HIDDEN, LENGTH, MASKED_AFTER, Case, sequences, vectors

from recbole_ext.nn.attention import build_mixer
from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.positional import PositionalAttention


def positional(n: int, after: bool = False) -> PositionalAttention:
    torch.manual_seed(0)
    mixer = build_mixer("positional", MixerSpec(HIDDEN, n, mask_after_softmax=after))
    assert isinstance(mixer, PositionalAttention)
    return mixer


def set_scaled_scores(mixer: PositionalAttention, scores: torch.Tensor) -> None:
    with torch.no_grad():
        mixer.table.copy_(scores / mixer.scale)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_scores_between_minus_and_plus_200_stay_finite(size: float, after: bool) -> None:
    n = 500
    mixer = positional(n, after)
    set_scaled_scores(mixer, torch.rand(1, n, n) * 400 - 200)
    lengths = torch.tensor([n, n // 2, 1])
    keep = torch.arange(n) >= (n - lengths).unsqueeze(1)
    x = (size * vectors(keep, dtype=torch.float32)).requires_grad_()
    out = mixer(x, x, keep)
    out.square().mean().backward()
    for result in (out, x.grad, mixer.table.grad, mixer.value.weight.grad):
        assert result is not None and result.isfinite().all()


@pytest.mark.parametrize("after", [False, True])
def test_all_keys_far_above_the_own_slot_stay_finite(after: bool) -> None:
    """The worst case of exp(S_ij - S_ii): every key of a long row at the largest difference."""
    n = 500
    mixer = positional(n, after)
    set_scaled_scores(mixer, 200 - 400 * torch.eye(n))
    keep = torch.ones(1, n, dtype=torch.bool)
    x = torch.full((1, n, HIDDEN), 100.0, requires_grad=True)
    out = mixer(x, x, keep)
    out.square().mean().backward()
    for result in (out, x.grad, mixer.table.grad):
        assert result is not None and result.isfinite().all()
    # All values are equal, so every average of them is.
    expected = mixer.value(x).detach()[:, -1]
    torch.testing.assert_close(out.detach()[:, -1], expected, rtol=1e-5, atol=1e-4)


def test_scores_of_trained_size_are_exact_in_float32() -> None:
    """Differences up to ±60: far above what training reaches."""
    mixer = positional(LENGTH)
    torch.manual_seed(1)
    set_scaled_scores(mixer, torch.rand(1, LENGTH, LENGTH) * 60 - 30)
    keep = sequences() != 0
    x = vectors(keep, dtype=torch.float32)
    expected = naive.mix(mixer, x, x, keep, None)
    torch.testing.assert_close(mixer(x, x, keep), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mixer", ["dot_product", "linear"])
def test_huge_queries_and_keys_stay_finite(mixer: str) -> None:
    layer = Case(mixer).build()
    keep = sequences() != 0
    x = (1000 * vectors(keep, dtype=torch.float32)).requires_grad_()
    out = layer(x, x, keep)
    out.mean().backward()
    assert out.isfinite().all() and x.grad is not None and x.grad.isfinite().all()


@pytest.mark.parametrize("case", [*MASKED_AFTER, Case("linear"), Case("dot_product")], ids=str)
def test_padded_rows_give_no_nan_gradient(case: Case) -> None:
    layer = case.build()
    keep = torch.zeros(2, LENGTH, dtype=torch.bool)
    keep[0, -1] = True
    x = vectors(keep, dtype=torch.float32).requires_grad_()
    layer(x, x, keep).sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()
    assert not x.grad[1].any()
    assert all(p.grad is None or p.grad.isfinite().all() for p in layer.parameters())
