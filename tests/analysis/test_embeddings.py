"""Effective rank and Procrustes on matrices whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import special_ortho_group

from recbole_ext.analysis.embeddings import chance, effective_rank, stability


def with_values(values: list[float], rows: int = 40, seed: int = 0) -> np.ndarray:
    """A centred matrix of these singular values, in random directions."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(np.c_[np.ones(rows), rng.normal(size=(rows, len(values)))])[0][:, 1:]
    right = special_ortho_group.rvs(len(values), random_state=seed + 1)
    return left * np.array(values) @ right.T


@pytest.mark.parametrize(
    ("values", "rank"),
    [
        ([2.0, 2.0, 2.0, 2.0], 4.0),
        ([5.0, 0.0, 0.0, 0.0], 1.0),
        ([1.0, 1.0, 0.0, 0.0], 2.0),
        ([3.0, 1.0], 4 / 3**0.75),  # exp(-(3/4 log 3/4 + 1/4 log 1/4))
    ],
)
def test_effective_rank(values: list[float], rank: float) -> None:
    vectors = with_values(values)
    assert effective_rank(vectors) == pytest.approx(rank, rel=1e-6)
    assert effective_rank(7 * vectors + 3) == pytest.approx(rank, rel=1e-6)  # scaled and shifted


def test_all_alike_is_rank_0() -> None:
    assert effective_rank(np.ones((5, 3))) == 0.0


def test_rotated_shifted_and_scaled_is_the_same() -> None:
    one = np.random.default_rng(0).normal(size=(50, 6))
    turn = special_ortho_group.rvs(6, random_state=2) * np.array([1, 1, 1, 1, 1, -1])
    assert stability(one, 3 * one @ turn + 5) == pytest.approx(1.0)
    assert stability(3 * one @ turn + 5, one) == pytest.approx(1.0)


def test_stability_by_hand() -> None:
    """Two planar embeddings with singular values (3, 1) and (1, 1) in the same directions."""
    one, other = with_values([3.0, 1.0]), with_values([1.0, 1.0])
    assert stability(one, other) == pytest.approx(4 / np.sqrt(10 * 2))


def test_noise_takes_stability_down_to_chance() -> None:
    rng = np.random.default_rng(1)
    one, noise = rng.normal(size=(400, 8)), rng.normal(size=(400, 8))
    found = [stability(one, one + share * noise) for share in (0.1, 1.0, 100.0)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(1 / np.sqrt(1.01), abs=0.005)
    assert found[2] == pytest.approx(chance(one, noise), abs=0.05)
    assert chance(one, one) < 0.25


def test_a_collapsed_embedding_is_like_nothing() -> None:
    one = np.random.default_rng(0).normal(size=(50, 6))
    assert stability(one, np.ones((50, 6))) == 0.0


def test_other_items_are_no_pair() -> None:
    with pytest.raises(ValueError):
        stability(np.ones((5, 3)), np.ones((4, 3)))
