"""Inverse-propensity weights: worked by hand, of mean 1, clipped."""

from __future__ import annotations

import pytest
import torch

from recbole_ext.nn.propensities import PropensityWeights, inverse_propensities

COUNTS = torch.tensor([77, 16, 4, 4, 1, 0])  # PAD's must not matter; the last item is no target
SHARE = torch.tensor([16.0, 4, 4, 1, 0]) / 25


def test_worked_by_hand() -> None:
    """η = 1/2: 1/4, 1/2, 1/2, 1; the mean over the 25 targets is (4 + 2 + 2 + 1)/25 = 9/25."""
    found = PropensityWeights(COUNTS, 0.5, None).weight[1:]
    expected = torch.tensor([1 / 4, 1 / 2, 1 / 2, 1, 1]) * 25 / 9
    torch.testing.assert_close(found, expected)


def test_clipped_by_hand() -> None:
    """With the last one at 2, 16 a/4 + 8 a/2 + 2 = 25: a = 23/8, and 23/8 > 2."""
    found = PropensityWeights(COUNTS, 0.5, 2.0).weight[1:]
    torch.testing.assert_close(found, torch.tensor([23 / 32, 23 / 16, 23 / 16, 2, 2]))


@pytest.mark.parametrize("clip", [None, 1.0, 1.5, 100.0])
@pytest.mark.parametrize("exponent", [0.0, 0.3, 1.0, 2.0])
def test_the_mean_over_the_targets_is_one(exponent: float, clip: float | None) -> None:
    weight = PropensityWeights(COUNTS, exponent, clip).weight[1:]
    assert (weight * SHARE).sum().item() == pytest.approx(1.0, rel=1e-6)
    assert clip is None or weight.max().item() <= clip
    if exponent == 0.0:
        torch.testing.assert_close(weight, torch.ones(5))
    if exponent > 0 and clip is None:
        assert weight[0] < weight[1] == weight[2] < weight[3] == weight[4]


def test_the_mean_is_that_of_what_is_asked() -> None:
    """Cloze training may hide the last item more often: the mean is over what it asks for."""
    asked = torch.tensor([9.0, 2, 2, 4, 8, 0], dtype=torch.float64)
    weight = PropensityWeights(COUNTS, 0.5, 1.5, asked).weight[1:]
    assert (weight * asked[1:]).sum().item() / 16 == pytest.approx(1.0, rel=1e-6)
    assert weight[0] < weight[1] == weight[2] < weight[3] == weight[4]


def test_exponent_1_makes_all_items_weigh_alike() -> None:
    weight = PropensityWeights(COUNTS, 1.0, None).weight[1:]
    torch.testing.assert_close((weight * SHARE)[:4], torch.full((4,), 0.25))
    assert inverse_propensities(COUNTS, 1.0)[1:].tolist() == [1 / 16, 1 / 4, 1 / 4, 1, 1]


def test_with_and_without_weights_of_positions() -> None:
    weights = PropensityWeights(COUNTS, 1.0, None)
    targets = torch.tensor([1, 4, 4])
    own = weights.weight[targets]
    torch.testing.assert_close(weights(targets, None), own / 3)
    torch.testing.assert_close(
        weights(targets, torch.tensor([1.0, 2, 3])), own * torch.tensor([1.0, 2, 3])
    )
    assert weights(targets[:0], None).shape == (0,)
    assert weights.state_dict() == {}
