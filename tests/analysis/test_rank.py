"""Ranks: the paper's k, the optimal threshold, stable and entropy rank, the approximation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recbole_ext.analysis.rank import (
    entropy_rank,
    gavish_donoho,
    low_rank,
    rank_k,
    singular_values,
    stable_rank,
)
from recbole_ext.analysis.sparsity import uniform

SQUARE = arrays(np.float64, (6, 6), elements=st.floats(-1.0, 1.0))


def test_k_by_hand() -> None:
    """s = 2, 1, 0.1, 0: energy 5.01 / 16, times 2 log 8, under the root 1.141."""
    values = np.array([2.0, 1.0, 0.1, 0.0])
    assert math.sqrt(2 * 5.01 / 16 * math.log(8)) == pytest.approx(1.1412, abs=1e-4)
    assert rank_k(values) == 1
    assert rank_k(np.array([1.0, 1.0, 0.0, 0.0])) == 2  # the threshold is 0.72
    assert rank_k(np.array([1.0, 1.0, 0.0, 0.0]), sigma=0.4) == 0  # 1.09
    assert rank_k(np.stack([values, values])).tolist() == [1, 1]


def test_the_nulls_of_the_specification() -> None:
    assert rank_k(singular_values(uniform(20, causal=False))) == 1
    assert rank_k(singular_values(uniform(20, causal=True))) == 5


@given(SQUARE, st.lists(st.floats(0.0, 3.0), min_size=2, max_size=6))
def test_k_never_rises_with_the_noise_level(matrix: np.ndarray, sigmas: list[float]) -> None:
    values = singular_values(matrix)
    found = [float(rank_k(values, sigma)) for sigma in sorted(sigmas)]
    assert found == sorted(found, reverse=True)


@given(SQUARE, st.integers(0, 6))
def test_the_approximation_is_the_best_of_its_rank(matrix: np.ndarray, rank: int) -> None:
    """Eckart and Young: the squared error is the sum of the squares left out."""
    near = low_rank(matrix, rank)
    left_out = singular_values(matrix)[rank:]
    assert np.linalg.norm(matrix - near) == pytest.approx(np.linalg.norm(left_out), abs=1e-9)
    assert np.linalg.matrix_rank(near, tol=1e-8) <= rank


def test_no_other_matrix_of_the_rank_is_nearer() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(8, 8))
    best = np.linalg.norm(matrix - low_rank(matrix, 2))
    for _ in range(200):
        left = rng.normal(size=(8, 2))
        right = np.linalg.lstsq(left, matrix, rcond=None)[0]  # the best for these columns
        assert np.linalg.norm(matrix - left @ right) >= best


def test_gavish_donoho_finds_the_signal_under_noise() -> None:
    rng = np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.normal(size=(60, 3)))[0] for _ in range(2))
    signal = left @ np.diag([9.0, 7.0, 5.0]) @ right.T
    noisy = signal + rng.normal(size=(60, 60)) / math.sqrt(60)
    assert gavish_donoho(singular_values(noisy)) == 3
    assert gavish_donoho(np.array([5.0, 2.0, 0.0, 0.0, 0.0])) == 2  # the median is 0
    assert gavish_donoho(np.array([9.0, 3.0, 1.0, 1.0, 1.0])) == 2  # above 2.858


def test_stable_and_entropy_rank() -> None:
    assert stable_rank(np.ones(5)) == pytest.approx(5)
    assert entropy_rank(np.ones(5)) == pytest.approx(5)
    assert stable_rank(np.array([3.0, 0.0])) == entropy_rank(np.array([3.0, 0.0])) == 1
    assert stable_rank(np.array([2.0, 1.0])) == pytest.approx(1.25)
    expected = math.exp(-(2 / 3) * math.log(2 / 3) - (1 / 3) * math.log(1 / 3))
    assert entropy_rank(np.array([2.0, 1.0])) == pytest.approx(expected)
    assert np.isnan(stable_rank(np.zeros(2))) and np.isnan(entropy_rank(np.zeros(2)))
