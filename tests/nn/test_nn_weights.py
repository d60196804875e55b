"""The attention matrices: sums of rows, the fixed patterns, masking after the softmax."""

from __future__ import annotations

import math

import pytest
import torch
from nn_cases import (
    LENGTH,
    MASKED_AFTER,
    SOFTMAX_BY_POSITION,
    Case,
    build_net,
    sequences,
    vectors,
)  # fmt: skip
from torch import Tensor

from recbole_ext.nn.attention import PositionOnlyMixer, build_mixer
from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.dot_product import DotProductAttention


def weights_of(case: Case, keep: Tensor, **changes: object) -> Tensor:
    mixer = case.build(**changes).double()
    if isinstance(mixer, DotProductAttention):
        return mixer.weights(vectors(keep), keep)
    assert isinstance(mixer, PositionOnlyMixer)
    return mixer.matrices(keep)


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("width", [LENGTH, 4])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("case", [*SOFTMAX_BY_POSITION, Case("dot_product")], ids=str)
def test_real_rows_sum_to_one_and_padded_ones_to_zero(
    case: Case, heads: int, width: int, causal: bool
) -> None:
    keep = sequences()[:, -width:] != 0
    weights = weights_of(case, keep, n_heads=heads, causal=causal)
    assert weights.shape == (5, heads, width, width)
    sums = keep.double().unsqueeze(1).expand(-1, heads, -1)
    torch.testing.assert_close(weights.sum(-1), sums, rtol=0, atol=1e-9)
    assert not weights.masked_select(~keep[:, None, None, :]).any()
    assert not weights.masked_select(~keep[:, None, :, None]).any()
    future = torch.ones(width, width, dtype=torch.bool).triu(1)
    assert not causal or not weights[..., future].any()


@torch.no_grad()
@pytest.mark.parametrize("case", MASKED_AFTER, ids=str)
def test_masked_after_the_softmax_only_the_last_row_sums_to_one(case: Case) -> None:
    weights = weights_of(case, torch.ones(1, LENGTH, dtype=torch.bool))
    sums = weights.sum(-1)
    torch.testing.assert_close(sums[..., -1], torch.ones_like(sums[..., -1]), rtol=0, atol=1e-9)
    assert sums[..., :-1].max() < 1.0 and sums.min() > 0.0
    assert not weights[..., torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)].any()


@torch.no_grad()
@pytest.mark.parametrize("case", MASKED_AFTER, ids=str)
def test_masking_after_is_the_row_before_times_one_factor(case: Case) -> None:
    """Eq. 6 and 7 of the paper: only the normaliser differs, and not in the last row."""
    keep = sequences() != 0
    before = weights_of(Case(case.mixer, case.settings[:-1]), keep)
    after = weights_of(case, keep)
    factor = after.sum(-1, keepdim=True)
    torch.testing.assert_close(after, before * factor, rtol=0, atol=1e-9)
    torch.testing.assert_close(after[:, :, -1], before[:, :, -1], rtol=0, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize("case", [*SOFTMAX_BY_POSITION, *MASKED_AFTER], ids=str)
def test_the_matrices_shown_are_those_used(case: Case) -> None:
    keep = sequences() != 0
    mixer = case.build(n_heads=2).double()
    assert isinstance(mixer, PositionOnlyMixer)
    x = vectors(keep)
    shown = mixer.matrices(keep) @ mixer.split_heads(mixer.value(x))
    torch.testing.assert_close(mixer(x, x, keep), shown.transpose(1, 2).flatten(2))


def pattern(name: str, keep: Tensor, n: int, causal: bool = True) -> Tensor:
    """[w, w] of the first row of the batch."""
    mixer = build_mixer("fixed_pattern", MixerSpec(4, n, pattern=name, causal=causal)).double()
    assert isinstance(mixer, PositionOnlyMixer)
    return mixer.matrices(keep)[0, 0].detach()


def test_average() -> None:
    weights = pattern("average", torch.ones(1, 50, dtype=torch.bool), 50)
    for i in range(1, 51):
        torch.testing.assert_close(weights[i - 1, :i], torch.full((i,), 1 / i).double())


def test_exponential_annealing() -> None:
    weights = pattern("exponential_annealing", torch.ones(1, 50, dtype=torch.bool), 50)
    for i in range(2, 51):
        ratio = weights[i - 1, : i - 1] / weights[i - 1, 1:i]
        torch.testing.assert_close(ratio, torch.full((i - 1,), math.exp(-1)).double())


def test_linear_annealing() -> None:
    weights = pattern("linear_annealing", torch.ones(1, 50, dtype=torch.bool), 50)
    for i in range(1, 51):
        expected = torch.arange(1, i + 1).double() / (i * (i + 1) / 2)
        torch.testing.assert_close(weights[i - 1, :i], expected)


def test_linear_annealing_of_a_trimmed_batch_counts_slots_from_the_full_length() -> None:
    weights = pattern("linear_annealing", torch.tensor([[False, True, True]]), n=10)
    torch.testing.assert_close(weights[2], torch.tensor([0.0, 9 / 19, 10 / 19]).double())


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("average", [0, 1 / 3, 1 / 3, 1 / 3]),
        ("linear_annealing", [0, 2 / 9, 3 / 9, 4 / 9]),
        ("exponential_annealing", [0, 1, math.e, 1]),
    ],
)
def test_patterns_look_both_ways_without_the_causal_mask(name: str, row: list[float]) -> None:
    weights = pattern(name, torch.tensor([[False, True, True, True]]), 4, causal=False)
    expected = torch.tensor(row, dtype=torch.float64)
    torch.testing.assert_close(weights[2], expected / expected.sum())


def test_an_unknown_pattern_is_named() -> None:
    with pytest.raises(ValueError, match="'middle': one of average, linear_annealing, exponential"):
        build_mixer("fixed_pattern", MixerSpec(4, 4, pattern="middle"))


@torch.no_grad()
def test_relative_scores_depend_on_the_distance_alone() -> None:
    mixer = Case("relative_positional").build(n_heads=1, causal=False).double()
    assert isinstance(mixer, PositionOnlyMixer)
    scores = mixer.scores(LENGTH, LENGTH)[0]
    assert mixer.by_distance.shape == (1, 2 * LENGTH - 1)
    for distance in range(1 - LENGTH, LENGTH):
        diagonal = scores.diagonal(-distance)
        assert (diagonal == mixer.by_distance[0, distance + LENGTH - 1]).all()


@torch.no_grad()
def test_relative_distances_beyond_the_longest_are_the_longest() -> None:
    mixer = Case("relative_positional").build(n_heads=1).double()
    assert isinstance(mixer, PositionOnlyMixer)
    scores = mixer.scores(1, LENGTH + 3)[0, 0]
    assert (scores[:4] == mixer.by_distance[0, -1]).all()
    assert torch.equal(scores[4:], mixer.by_distance[0, :-1].flip(0))


@torch.no_grad()
@pytest.mark.parametrize("lengths", [(7, 5, 4, 2, 1), (7,)], ids=str)
def test_relative_states_are_those_of_the_prefixes(lengths: tuple[int, ...]) -> None:
    """The packed output at t is the output on the prefix of length t, through the whole encoder."""
    for heads, projection in ((1, False), (4, True)):
        net = build_net(
            Case("relative_positional"),
            learned_positions=False,
            n_heads=heads,
            output_projection=projection,
        ).double()
        ids = sequences(lengths)
        packed = net(ids)
        for end in range(1, LENGTH + 1):
            real = ids[:, end - 1] != 0
            prefix = net(ids[real, :end], last_only=True)[:, 0]
            torch.testing.assert_close(packed[real, end - 1], prefix, rtol=0, atol=1e-6)
