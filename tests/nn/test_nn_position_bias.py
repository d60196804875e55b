"""Rotary positions and a learned relative bias: only differences of slots matter."""

from __future__ import annotations

import pytest
import torch
from nn_cases import LENGTH, Case, build_net, sequences, vectors

from recbole_ext.nn.attention import build_mixer
from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.dot_product import DotProductAttention
from recbole_ext.nn.attention.rotary import rotate


def biased(bias: str, **changes: object) -> DotProductAttention:
    mixer = Case("dot_product", (("position_bias", bias),)).build(**changes).double()
    assert isinstance(mixer, DotProductAttention)
    return mixer


def test_rotation_by_hand() -> None:
    """Pairs (0, 2) and (1, 3); the newest slot is 0, the one before -1."""
    x = torch.tensor([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    before, newest = rotate(x)
    assert newest.tolist() == [1.0, 1.0, 0.0, 0.0]
    angles = torch.tensor([-1.0, -0.01])
    expected = torch.cat([angles.cos(), angles.sin()]).double()
    torch.testing.assert_close(before, expected, rtol=0, atol=1e-7)


def test_rotation_keeps_lengths_and_depends_on_differences_alone() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 6, dtype=torch.float64).expand(2, 40, 6)
    torch.testing.assert_close(rotate(query).norm(dim=-1), query.norm(dim=-1), rtol=0, atol=1e-6)
    products = rotate(query) @ rotate(key).T  # one query and one key, at all slots
    for offset in range(-39, 40):
        same = products.diagonal(offset)
        torch.testing.assert_close(same, same[:1].expand_as(same), rtol=0, atol=1e-5)
    assert products[0].std() > 0.1


@torch.no_grad()
@pytest.mark.parametrize("bias", ["rotary", "relative"])
def test_the_scores_of_equal_items_depend_on_the_distance_alone(bias: str) -> None:
    """Ratios of weights are differences of scores; without a bias all would be equal."""
    mixer = biased(bias, causal=False)
    keep = torch.ones(1, LENGTH, dtype=torch.bool)
    x = vectors(keep)[:, :1].expand(-1, LENGTH, -1)
    scores = mixer.weights(x, keep)[0].log()
    relative = scores - scores.diagonal(dim1=1, dim2=2).unsqueeze(-1)
    for distance in range(1 - LENGTH, LENGTH):
        same = relative.diagonal(distance, 1, 2)
        torch.testing.assert_close(same, same[:, :1].expand_as(same), rtol=0, atol=1e-6)
    assert relative.std() > 0.01
    plain = biased("none", causal=False).weights(x, keep)
    torch.testing.assert_close(plain, torch.full_like(plain, 1 / LENGTH))


@torch.no_grad()
@pytest.mark.parametrize("lengths", [(7, 5, 4, 2, 1), (7,)], ids=str)
@pytest.mark.parametrize("bias", ["rotary", "relative"])
def test_states_are_those_of_the_prefixes(bias: str, lengths: tuple[int, ...]) -> None:
    """Without absolute positions the output at t is that on the prefix of length t."""
    net = build_net(
        Case("dot_product", (("position_bias", bias),)), learned_positions=False
    ).double()
    ids = sequences(lengths)
    packed = net(ids)
    for end in range(1, LENGTH + 1):
        real = ids[:, end - 1] != 0
        prefix = net(ids[real, :end], last_only=True)[:, 0]
        torch.testing.assert_close(packed[real, end - 1], prefix, rtol=0, atol=1e-6)


@torch.no_grad()
def test_a_relative_bias_starts_as_none_and_adds_to_the_scaled_scores() -> None:
    spec = MixerSpec(8, LENGTH, 2, position_bias="relative")
    mixer = build_mixer("dot_product", spec).double()
    assert isinstance(mixer, DotProductAttention) and mixer.by_distance is not None
    assert mixer.by_distance.shape == (2, LENGTH) and not mixer.by_distance.any()
    keep = sequences() != 0
    x = vectors(keep)
    before = mixer.weights(x, keep)
    mixer.by_distance[1, 2] = 3.0
    after = mixer.weights(x, keep)
    torch.testing.assert_close(after[:, 0], before[:, 0])
    odds = [w[0, 1, 5, 3] / w[0, 1, 5, 5] for w in (before, after)]
    torch.testing.assert_close(odds[1] / odds[0], torch.tensor(3.0).double().exp())


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
def test_distances_beyond_the_longest_are_the_longest(causal: bool) -> None:
    mixer = biased("relative", causal=causal, n_heads=1)
    assert mixer.by_distance is not None
    keep = torch.ones(1, LENGTH + 3, dtype=torch.bool)
    x = torch.zeros(1, LENGTH + 3, 8, dtype=torch.float64)
    mixer.query.bias.zero_()
    scores = mixer.weights(x, keep)[0, 0].log()
    last = scores[-1] - scores[-1, -1]
    table = mixer.by_distance[0, -LENGTH:]  # distances 0 to n-1
    expected = torch.cat([table[-1:].expand(3), table.flip(0)]) - table[0]
    torch.testing.assert_close(last, expected)


def test_what_a_position_bias_costs() -> None:
    def count(**changes: object) -> int:
        spec = MixerSpec(12, 10, 3, **changes)  # type: ignore[arg-type]
        return sum(p.numel() for p in build_mixer("dot_product", spec).parameters())

    assert count(position_bias="rotary") == count()
    assert count(position_bias="relative") == count() + 3 * 10
    assert count(position_bias="relative", causal=False) == count() + 3 * 19
    conv = {"n_local_heads": 1, "local_attention": "conv"}
    assert count(position_bias="relative", **conv) == count(**conv) + 2 * 10
