"""Each mixer equals its naive form, values and gradients, also under one given dropout mask."""

from __future__ import annotations

import naive
import pytest
import torch
from nn_cases import ALL_CASES, ATTENTIONS, LENGTH, MASKED_AFTER, Case, sequences, vectors
from torch import Tensor, nn

from recbole_ext.nn.attention import Mixer, linear
from recbole_ext.nn.dropout import keep_mask

SHORT = (5, 4, 4, 2, 1)  # width 5 of n = 7: the lower-right block counts


class GivenDropout(nn.Module):
    """Multiplies by one mask [h, n, n] whatever the batch."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.p = 0.5
        self.mask = mask

    def forward(self, shares: Tensor) -> Tensor:
        heads, queries, width = shares.shape[-3:]
        return shares * self.mask[:heads, :queries, :width]


def dropout_mask(heads: int) -> Tensor:
    torch.manual_seed(5)
    mask = keep_mask(torch.empty(heads, LENGTH, LENGTH, dtype=torch.float64), 0.5)
    mask[:, 1, :2] = 0.0  # a row all of whose keys are dropped
    return mask


def with_gradients(
    mixer: Mixer, out: Tensor, inputs: tuple[Tensor, ...]
) -> tuple[Tensor, list[Tensor | None]]:
    generator = torch.Generator().manual_seed(6)
    upstream = torch.randn(out.shape, generator=generator, dtype=out.dtype)
    wanted = [*inputs, *mixer.parameters()]
    return out, list(torch.autograd.grad(out, wanted, upstream, allow_unused=True))


def assert_equals_naive(mixer: Mixer, lengths: tuple[int, ...], drop: Tensor | None) -> None:
    keep = sequences(lengths) != 0
    width = keep.shape[1]
    x, values = vectors(keep).requires_grad_(), vectors(keep, seed=3).requires_grad_()
    shown = None if drop is None else drop[:, :width, :width]
    out, gradients = with_gradients(mixer, mixer(x, values, keep), (x, values))
    expected = naive.mix(mixer, x, values, keep, shown)
    expected, expected_gradients = with_gradients(mixer, expected, (x, values))
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-6)
    names = ["x", "values", *(name for name, _ in mixer.named_parameters())]
    for name, ours, theirs in zip(names, gradients, expected_gradients, strict=True):
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6, msg=name)


@pytest.mark.parametrize("lengths", [(7, 5, 4, 2, 1), (7, 7), SHORT], ids=str)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("heads", "projection"), [(1, False), (2, True), (4, False)])
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_values_and_gradients(
    case: Case, heads: int, projection: bool, causal: bool, lengths: tuple[int, ...]
) -> None:
    mixer = case.build(n_heads=heads, output_projection=projection, causal=causal).double()
    assert_equals_naive(mixer, lengths, None)


@pytest.mark.parametrize("lengths", [(7, 5, 4, 2, 1), SHORT], ids=str)
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_values_and_gradients_under_a_dropout_mask(
    case: Case, heads: int, lengths: tuple[int, ...]
) -> None:
    mixer = case.build(n_heads=heads).double().train()
    drop = dropout_mask(heads)
    if mixer.spec.n_local_heads:  # local heads are computed apart: one mask for all
        drop = drop[:1].expand(heads, -1, -1)
    for part in getattr(mixer, "parts", [mixer]):
        part.dropout = GivenDropout(drop)
    assert_equals_naive(mixer, lengths, drop)


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
@pytest.mark.parametrize("heads", [1, 2])
def test_linear_attention_by_chunks(
    heads: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "QUADRATIC_UP_TO", 0)
    monkeypatch.setattr(linear, "CHUNK", chunk)
    mixer = Case("linear").build(n_heads=heads).double()
    assert_equals_naive(mixer, (7, 5, 4, 2, 1), None)


@torch.no_grad()
@pytest.mark.parametrize("case", ATTENTIONS + MASKED_AFTER, ids=str)
def test_the_batch_shares_one_dropout_mask_or_each_row_its_own(case: Case) -> None:
    """Training with dropout: equal rows get equal output where attention knows no items."""
    mixer = case.build(dropout=0.5).train()
    x = vectors(torch.ones(1, LENGTH, dtype=torch.bool), dtype=torch.float32).expand(2, -1, -1)
    first, second = mixer(x, x, torch.ones(2, LENGTH, dtype=torch.bool))
    per_row = bool({"dot_product", "linear"} & set(case.names))
    assert torch.equal(first, second) != per_row
    assert not torch.equal(first, mixer.eval()(x, x, torch.ones(2, LENGTH, dtype=torch.bool))[0])


@torch.no_grad()
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_dropout_keeps_the_expected_output(case: Case) -> None:
    mixer = case.build(dropout=0.3).double()
    keep = sequences() != 0
    x = vectors(keep)
    exact = mixer(x, x, keep)
    torch.manual_seed(3)
    drawn = torch.stack([mixer.train()(x, x, keep) for _ in range(400)])
    error = (drawn.mean(0) - exact).abs()
    assert (error <= 6 * drawn.std(0) / 20 + 1e-9).all()
