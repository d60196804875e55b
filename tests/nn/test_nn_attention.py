"""Attention as modules tell it: the matrices are those that ``forward`` multiplies values with."""

from __future__ import annotations

import pytest
import torch
from nn_cases import Case, sequences, vectors
from torch import Tensor

from recbole_ext.nn.attention import SumOfMixers
from recbole_ext.nn.attention.linear import LinearAttention, feature_map


def linear(causal: bool = True, heads: int = 2) -> LinearAttention:
    mixer = Case("linear").build(n_heads=heads, causal=causal).double()
    assert isinstance(mixer, LinearAttention)
    return mixer


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
def test_linear_attention_row_by_row(causal: bool) -> None:
    keep = sequences() != 0
    mixer, x = linear(causal), vectors(keep)
    shown = mixer.weights(x, keep)
    query, key = (feature_map(mixer.split_heads(part(x))) for part in (mixer.query, mixer.key))
    for row, head, i in torch.cartesian_prod(*map(torch.arange, shown.shape[:3])).tolist():
        expected = torch.zeros(keep.shape[1], dtype=torch.float64)
        for j in range(i + 1 if causal else keep.shape[1]):
            if keep[row, i] and keep[row, j]:
                expected[j] = query[row, head, i] @ key[row, head, j]
        expected /= expected.sum().clamp(min=1e-12)
        torch.testing.assert_close(shown[row, head, i], expected)


@torch.no_grad()
def test_the_linear_matrices_are_those_used() -> None:
    keep = sequences() != 0
    mixer, x = linear(), vectors(keep)
    shown = mixer.weights(x, keep) @ mixer.split_heads(mixer.value(x))
    torch.testing.assert_close(mixer(x, x, keep), shown.transpose(1, 2).flatten(2))


@torch.no_grad()
def test_a_sum_speaks_for_its_parts() -> None:
    keep = sequences() != 0
    x = vectors(keep)
    mixer = Case("dot_product+relative_positional").build(n_heads=2).double()
    assert isinstance(mixer, SumOfMixers)
    shown = mixer.attention(x, x, keep, last_only=True)
    assert len(shown.layers) == 1 and shown.keep is keep
    parts = [part.weights(x, keep) for part in mixer.parts]  # type: ignore[operator]
    assert torch.equal(shown.layers[0], torch.cat(parts, 1))
    assert shown.layers[0].shape[1] == 4
    mixed = [_mixed(part, w, x) for part, w in zip(mixer.parts, parts, strict=True)]
    torch.testing.assert_close(mixer(x, x, keep), sum(mixed[1:], mixed[0]))


def _mixed(part: torch.nn.Module, weights: Tensor, x: Tensor) -> Tensor:
    values = part.split_heads(part.value(x))  # type: ignore[operator]
    return (weights @ values).transpose(1, 2).flatten(2)


@torch.no_grad()
def test_conv_heads_have_no_matrices() -> None:
    keep = sequences() != 0
    mixer = Case("dot_product").build(n_heads=2, n_local_heads=2, local_attention="conv").double()
    assert mixer.attention(vectors(keep), vectors(keep), keep).layers[0].shape[1] == 0
