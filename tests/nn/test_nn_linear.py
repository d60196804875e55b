"""Linear attention and token mixing: the two baselines without a softmax."""

from __future__ import annotations

import pytest
import torch
from nn_cases import HIDDEN, LENGTH, Case, sequences, vectors

from recbole_ext.nn.attention import build_mixer, linear
from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.token_mixing import TokenMixing


def test_the_feature_map() -> None:
    """φ(x) = elu(x) + 1: x + 1 above zero, e^x below."""
    x = torch.tensor([-2.0, -1.0, 0.0, 3.0])
    expected = torch.tensor([0.1353353, 0.3678794, 1.0, 4.0])
    torch.testing.assert_close(linear.feature_map(x), expected)


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("width", [127, 128, 129, 501])
def test_prefix_sums_equal_the_quadratic_form(
    width: int, heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values and gradients, with the real chunk size and padded rows."""
    torch.manual_seed(0)
    mixer = build_mixer("linear", MixerSpec(HIDDEN, 501, heads)).double()
    keep = torch.arange(width) >= torch.tensor([[0], [width // 3], [width - 1]])
    x = vectors(keep).requires_grad_()
    results = []
    for quadratic_up_to in (1000, 0):
        monkeypatch.setattr(linear, "QUADRATIC_UP_TO", quadratic_up_to)
        out = mixer(x, x, keep)
        gradients = torch.autograd.grad(out.square().sum(), [x, *mixer.parameters()])
        results.append([out, *gradients])
    for quadratic, chunked in zip(*results, strict=True):
        torch.testing.assert_close(chunked, quadratic, rtol=1e-9, atol=1e-9)


def test_beyond_500_positions_the_sums_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    exact = linear.LinearAttention._quadratic
    monkeypatch.setattr(
        linear.LinearAttention,
        "_quadratic",
        lambda self, q, k, v: (widths.append(q.shape[2]), exact(self, q, k, v))[1],
    )
    mixer = build_mixer("linear", MixerSpec(HIDDEN, 501))
    for width in (500, 501):
        keep = torch.ones(1, width, dtype=torch.bool)
        x = vectors(keep, dtype=torch.float32)
        assert mixer(x, x, keep).shape == (1, width, HIDDEN)
    assert widths == [500]


@torch.no_grad()
def test_linear_attention_averages() -> None:
    """The weights of a row sum to 1: equal values come out as they went in."""
    mixer = Case("linear").build().double()
    keep = sequences() != 0
    x = vectors(keep)
    same = x[:1, :1].expand_as(x)
    out = mixer(x, same, keep)
    torch.testing.assert_close(out[keep], mixer.value(same)[keep], rtol=0, atol=1e-9)


@torch.no_grad()
def test_token_mixing_has_no_normaliser() -> None:
    """Twice the map, twice the output; a shorter history sums fewer terms, nothing is rescaled."""
    mixer = Case("token_mixing").build(n_heads=1, value_bias=False).double()
    assert isinstance(mixer, TokenMixing)
    keep = torch.ones(1, LENGTH, dtype=torch.bool)
    x = vectors(keep)
    once = mixer(x, x, keep)
    by_hand = mixer.map[0].tril() @ mixer.value(x)[0]
    torch.testing.assert_close(once[0], by_hand, rtol=0, atol=1e-9)
    shorter = keep.clone()
    shorter[0, :3] = False
    tail = mixer.map[0, -1, 3:] @ mixer.value(x)[0, 3:]
    torch.testing.assert_close(mixer(x, x, shorter)[0, -1], tail, rtol=0, atol=1e-9)
    mixer.map.mul_(2.0)
    torch.testing.assert_close(mixer(x, x, keep), 2 * once, rtol=0, atol=1e-9)


@torch.no_grad()
def test_token_mixing_ignores_where_the_mask_is_put() -> None:
    after = Case("token_mixing", (("mask_after_softmax", True),)).build()
    keep = sequences() != 0
    x = vectors(keep, dtype=torch.float32)
    assert torch.equal(after(x, x, keep), Case("token_mixing").build()(x, x, keep))
