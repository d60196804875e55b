"""Local heads: what each sees, how it starts, and that it is what torch's own layers compute."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from nn_cases import HIDDEN, LENGTH, Case, sequences, vectors
from torch import Tensor, nn

from recbole_ext.nn.attention import build_mixer
from recbole_ext.nn.attention.base import Mixer, MixerSpec
from recbole_ext.nn.attention.distance import distances
from recbole_ext.nn.attention.dot_product import DotProductAttention
from recbole_ext.nn.attention.local import LOCAL_HEADS

EVERY = list(LOCAL_HEADS)


def local(kind: str, **changes: object) -> Mixer:
    """All heads local unless told."""
    settings = {"n_local_heads": 2, "local_attention": kind, **changes}
    return Case("dot_product").build(**settings).double()


def touched(mixer: Mixer, keep: Tensor) -> Tensor:
    """[w, w] bool: whether the vector at slot j has a part in the output at slot i (row 0)."""
    x = vectors(keep)[:1]
    jacobian = torch.autograd.functional.jacobian(lambda v: mixer(v, v, keep[:1])[0], x)
    return (jacobian[:, :, 0] != 0).any(-1).any(1)  # [w, d, w, d] -> [w, w]


def band(behind: int, ahead: int, keep: Tensor) -> Tensor:
    """[w, w] bool: real slots i and j with -behind <= j - i <= ahead."""
    slots = torch.arange(keep.shape[1])
    offset = slots[None, :] - slots[:, None]
    return (offset >= -behind) & (offset <= ahead) & keep[0, None, :] & keep[0, :, None]


@pytest.mark.parametrize("length", [LENGTH, 5])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("w", [1, 2, LENGTH])
@pytest.mark.parametrize("kind", EVERY)
def test_which_slots_a_local_head_sees(kind: str, w: int, causal: bool, length: int) -> None:
    keep = sequences((length,), LENGTH) != 0
    reach = {"window": w, "conv": w, "rnn": w - 1}.get(kind, LENGTH)
    expected = band(reach, 0 if causal else reach, keep)
    assert torch.equal(touched(local(kind, local_window=w, causal=causal), keep), expected)


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kind", ["window", "initial", "adaptive"])
def test_the_first_heads_are_local_and_the_rest_are_plain(kind: str, causal: bool) -> None:
    keep = sequences() != 0
    x = vectors(keep)
    mixer = local(kind, n_heads=4, local_window=1, causal=causal)
    plain = Case("dot_product").build(n_heads=4, causal=causal).double()
    assert isinstance(mixer, DotProductAttention) and isinstance(plain, DotProductAttention)
    plain.load_state_dict(mixer.state_dict(), strict=False)
    weights, without = mixer.weights(x, keep), plain.weights(x, keep)
    torch.testing.assert_close(weights[:, 2:], without[:, 2:], rtol=0, atol=1e-9)
    longer = weights[:3, :2] - without[:3, :2]  # a window of 1 is all of a history of two
    assert longer.abs().amax((1, 2, 3)).min() > 1e-3
    sums = keep.double()[:, None].expand(-1, 4, -1)
    torch.testing.assert_close(weights.sum(-1), sums, rtol=0, atol=1e-9)
    if kind == "window":
        for row in range(len(keep)):
            seen = band(1, 0 if causal else 1, keep[row : row + 1])
            assert torch.equal(weights[row, 0] > 0, seen) and torch.equal(weights[row, 1] > 0, seen)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["conv", "rnn"])
def test_heads_that_mix_values_leave_the_others_alone(kind: str) -> None:
    keep = sequences() != 0
    x = vectors(keep)
    mixer = local(kind, n_heads=4)
    assert isinstance(mixer, DotProductAttention)
    shown = mixer.weights(x, keep)  # of the two heads that attend
    assert shown.shape == (5, 2, LENGTH, LENGTH)
    attended = (shown @ mixer.split_heads(mixer.value(x))[:, 2:]).transpose(1, 2).flatten(2)
    torch.testing.assert_close(mixer(x, x, keep)[..., HIDDEN // 2 :], attended)
    assert local(kind).weights(x, keep).shape == (5, 0, LENGTH, LENGTH)  # type: ignore[operator]


@torch.no_grad()
@pytest.mark.parametrize("kind", ["window", "initial", "adaptive"])
def test_the_matrices_shown_are_those_used(kind: str) -> None:
    keep = sequences() != 0
    x, values = vectors(keep), vectors(keep, seed=3)
    mixer = local(kind, n_heads=4)
    assert isinstance(mixer, DotProductAttention)
    shown = mixer.weights(x, keep, values) @ mixer.split_heads(mixer.value(values))
    torch.testing.assert_close(mixer(x, values, keep), shown.transpose(1, 2).flatten(2))


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
def test_a_window_of_the_whole_sequence_is_dot_product_attention(causal: bool) -> None:
    keep = sequences() != 0
    x = vectors(keep)
    wide = local("window", local_window=LENGTH, causal=causal)
    plain = Case("dot_product").build(causal=causal).double()
    plain.load_state_dict(wide.state_dict())
    torch.testing.assert_close(wide(x, x, keep), plain(x, x, keep), rtol=0, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
def test_a_convolution_is_torchs(causal: bool) -> None:
    mixer = local("conv", local_window=2, causal=causal)
    keep = sequences() != 0
    x = vectors(keep)
    taps = mixer.local_values.taps  # [T, h, 1, d/h]
    assert len(taps) == (3 if causal else 5)
    kept = (mixer.value(x) * keep.unsqueeze(-1)).transpose(1, 2)
    padded = F.pad(kept, (2, 0 if causal else 2))
    kernel = taps.flatten(1).T.unsqueeze(1)  # [d, 1, T]
    expected = F.conv1d(padded, kernel, groups=HIDDEN).transpose(1, 2) * keep.unsqueeze(-1)
    torch.testing.assert_close(mixer(x, x, keep), expected, rtol=0, atol=1e-9)


def torchs_gru(gru: nn.Module) -> nn.GRU:
    """Of one head."""
    size = gru.input.shape[1]
    other = nn.GRU(size, size, batch_first=True).double()
    other.weight_ih_l0.data, other.weight_hh_l0.data = gru.input[0].T, gru.state[0].T
    other.bias_ih_l0.data, other.bias_hh_l0.data = gru.input_bias[0, 0], gru.state_bias[0, 0]
    return other


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
def test_a_recurrence_over_the_whole_sequence_is_torchs(causal: bool) -> None:
    """Each row alone, without its padding; under AE a second one runs from the newest item."""
    mixer = local("rnn", n_heads=1, n_local_heads=1, local_window=LENGTH, causal=causal)
    keep = sequences() != 0
    x = vectors(keep)
    out, value = mixer(x, x, keep), mixer.value(x)
    for row, real in enumerate(keep):
        items = value[row : row + 1, real]
        expected = torchs_gru(mixer.local_values.past)(items)[0]
        if not causal:
            backwards = torchs_gru(mixer.local_values.future)(items.flip(1))[0].flip(1)
            expected = (expected + backwards) / 2
        torch.testing.assert_close(out[row, real], expected[0], rtol=0, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
def test_faded_scores_start_local(causal: bool) -> None:
    """Factor 1 at the own slot, falling with the distance on both sides, a half far away."""
    mixer = build_mixer(
        "dot_product",
        MixerSpec(8, 6, 2, causal=causal, n_local_heads=2, local_attention="initial"),
    )
    table = mixer.local_scores.by_distance  # [2, n] or [2, 2n - 1]
    where = distances(6, causal).tolist()
    assert where == (list(range(6)) if causal else list(range(-5, 6)))
    for value, distance in zip(table[1].tolist(), where, strict=True):
        assert value == pytest.approx(math.exp(-2 * distance**2), abs=1e-7)
    scores = mixer.local_scores(torch.ones(1, 2, 6, 6), torch.empty(1, 2, 6, 4))[0, 0]
    sigmoid = [1 / (1 + math.exp(-10 * math.exp(-2 * distance**2))) for distance in range(6)]
    expected = [sigmoid[5 - j] for j in range(6)]
    assert scores[5].tolist() == pytest.approx(expected, abs=1e-6)
    assert scores[0, 1:].tolist() == pytest.approx([1.0] * 5 if causal else sigmoid[1:], abs=1e-4)


@torch.no_grad()
def test_the_querys_own_value_changes_adaptive_weights() -> None:
    """It would be lost in the softmax if the network were linear."""
    mixer = local("adaptive")
    assert isinstance(mixer, DotProductAttention)
    keep = torch.ones(1, LENGTH, dtype=torch.bool)
    x, values = vectors(keep), vectors(keep, seed=3)
    changed = values.clone()
    changed[:, -1] += 1.0
    before, after = mixer.weights(x, keep, values), mixer.weights(x, keep, changed)
    among_others = [w[0, 0, -1, :-1] / w[0, 0, -1, 0] for w in (before, after)]
    assert (among_others[0] - among_others[1]).abs().max() > 1e-3


@pytest.mark.parametrize("kind", EVERY)
def test_nothing_larger_than_the_scores_is_kept_for_the_gradient(kind: str) -> None:
    """[B, h, n, n] at most: no [B, h, n, n, d], and no copy of the scores for each hidden unit."""
    kept: list[int] = []
    mixer = build_mixer(
        "dot_product", MixerSpec(8, 64, 2, n_local_heads=2, local_attention=kind)
    ).train()
    keep = torch.ones(2, 64, dtype=torch.bool)
    x = vectors(keep, dtype=torch.float32).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (kept.append(t.numel()), t)[1], lambda t: t
    ):
        mixer(x, x, keep)
    scores = 2 * 2 * 64 * 64
    assert max(kept) <= scores
    assert sum(size == scores for size in kept) <= {"adaptive": 16}.get(kind, 8)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kind", EVERY)
def test_parameters_of_local_heads(kind: str, causal: bool) -> None:
    """d = 12, 3 heads of 4, 2 of them local, n = 10, w = 3, biases of the maps included."""
    spec = MixerSpec(
        12, 10, 3, causal=causal, n_local_heads=2, local_attention=kind, local_window=3
    )
    count = sum(p.numel() for p in build_mixer("dot_product", spec).parameters())
    reach, directions = (10, 1) if causal else (19, 2)
    maps = 3 * (12 * 12 + 12)
    attending = 12 * 12 + 12 + 2 * (12 * 4 + 4)  # queries and keys of one head
    expected = {
        "window": maps,
        "initial": maps + 2 * reach,
        "adaptive": maps + 2 * (reach * 4 + 4 * 8 + 8 + 8),
        "conv": attending + (4 if causal else 7) * 8,
        "rnn": attending + directions * 2 * (2 * 4 * 12 + 2 * 12),
    }
    assert count == expected[kind]
