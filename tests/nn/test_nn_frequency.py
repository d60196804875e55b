"""BSARec's filter: what it keeps, what it scales, and the sum it stands in."""

from __future__ import annotations

import math

import pytest
import torch
from nn_cases import Case, sequences, vectors

from recbole_ext.nn.attention import MixerSpec, build_mixer
from recbole_ext.nn.attention.frequency import FrequencyFilter

N = 8


def a_filter(high: float, frequencies: int = 3, causal: bool = False) -> FrequencyFilter:
    """With the same β for all channels."""
    mixer = build_mixer("frequency_filter", MixerSpec(1, N, frequencies=frequencies, causal=causal))
    assert isinstance(mixer, FrequencyFilter)
    torch.nn.init.constant_(mixer.high, high)
    return mixer.double()


def wave(frequency: int) -> torch.Tensor:
    """[1, N, 1]"""
    slots = torch.arange(N, dtype=torch.float64)
    return torch.cos(2 * math.pi * frequency * slots / N + 0.3).view(1, N, 1)


@torch.no_grad()
@pytest.mark.parametrize("frequency", range(N // 2 + 1))
def test_a_slow_wave_passes_and_a_fast_one_is_scaled(frequency: int) -> None:
    keep = torch.ones(1, N, dtype=torch.bool)
    passed = a_filter(high=0.5)(wave(frequency), wave(frequency), keep)
    expected = wave(frequency) * (1 if frequency < 3 else 0.5**2)
    torch.testing.assert_close(passed, expected, rtol=0, atol=1e-12)


@torch.no_grad()
def test_all_frequencies_kept_or_none_scaled_is_the_input() -> None:
    keep = torch.ones(1, N, dtype=torch.bool)
    x = torch.randn(1, N, 1, dtype=torch.float64)
    torch.testing.assert_close(a_filter(0.0, frequencies=N // 2 + 1)(x, x, keep), x)
    torch.testing.assert_close(a_filter(1.0, causal=True)(x, x, keep), x)


@torch.no_grad()
def test_the_newest_slot_gets_the_transform_of_the_whole_row() -> None:
    ids = sequences(width=7)
    keep = ids != 0
    x = vectors(keep)
    forward = Case("frequency_filter").build(causal=True).double()
    both = Case("frequency_filter").build(causal=False).double()
    torch.testing.assert_close(forward(x, x, keep)[:, -1], both(x, x, keep)[:, -1])
    assert not torch.allclose(forward(x, x, keep)[:, -2], both(x, x, keep)[:, -2])


@pytest.mark.parametrize(("slots", "most"), [(7, 4), (8, 5), (1, 1)])
def test_more_frequencies_than_the_slots_have(slots: int, most: int) -> None:
    build_mixer("frequency_filter", MixerSpec(4, slots, frequencies=most))
    with pytest.raises(ValueError, match=f"{slots} slots have {most}"):
        build_mixer("frequency_filter", MixerSpec(4, slots, frequencies=most + 1))


@torch.no_grad()
def test_shares_of_a_sum() -> None:
    shares = (0.7, 0.3)
    mixer = Case("frequency_filter+dot_product", (("shares", shares),)).build().double()
    keep = sequences() != 0
    x = vectors(keep)
    expected = sum(a * part(x, x, keep) for a, part in zip(shares, mixer.parts, strict=True))
    torch.testing.assert_close(mixer(x, x, keep), expected)
