"""S: known values, invariances, and what uniform attention has of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recbole_ext.analysis.blocks import uniform_blocks
from recbole_ext.analysis.sparsity import sparsity, uniform

MATRICES = arrays(np.float64, (4, 5), elements=st.floats(0.01, 10.0))


@pytest.mark.parametrize("size", [1, 2, 7])
def test_one_entry_and_equal_entries(size: int) -> None:
    one = np.zeros((size, size))
    one[0, -1] = 0.3
    assert sparsity(one) == pytest.approx(1 / size**2)
    assert sparsity(np.full((size, size), 0.2)) == pytest.approx(1 / size)  # 1 / √N, N = size²


def test_rows_that_sum_to_one() -> None:
    """S = 1 / (n ‖A‖_F), between n^-1.5 (one key a row) and 1/n."""
    rows = np.random.default_rng(0).dirichlet(np.ones(9), size=9)
    assert sparsity(rows) == pytest.approx(1 / (9 * np.linalg.norm(rows)))
    assert sparsity(np.eye(9)) == pytest.approx(9**-1.5)
    assert 9**-1.5 < sparsity(rows) < 1 / 9


def test_signs_do_not_matter_and_zeros_have_none() -> None:
    signed = np.array([[0.5, -1.0], [2.0, 0.0]])
    assert sparsity(signed) == sparsity(np.abs(signed))
    assert np.isnan(sparsity(np.zeros((3, 3))))
    assert sparsity(np.stack([signed, np.eye(2)])).shape == (2,)


@given(MATRICES, st.randoms(use_true_random=False), st.floats(0.01, 100.0))
def test_order_and_scale_do_not_matter(matrix: np.ndarray, random: object, scale: float) -> None:
    entries = matrix.ravel().tolist()
    random.shuffle(entries)  # type: ignore[attr-defined]
    shuffled = np.array(entries).reshape(matrix.shape)
    assert sparsity(shuffled * scale) == pytest.approx(float(sparsity(matrix)), rel=1e-9)


@given(MATRICES, st.floats(0.05, 0.95))
def test_mass_that_moves_to_a_larger_entry_makes_it_sparser(
    matrix: np.ndarray, part: float
) -> None:
    entries = matrix.ravel().copy()
    small, large = int(entries.argmin()), int(entries.argmax())
    if small == large:
        large = small + 1
    moved = part * entries[small]
    entries[small] -= moved
    entries[large] += moved
    assert sparsity(entries.reshape(matrix.shape)) < sparsity(matrix)


def test_the_nulls_of_the_specification() -> None:
    assert sparsity(uniform(20, causal=False)) == pytest.approx(0.05)
    assert round(float(sparsity(uniform(20, causal=True))), 3) == 0.026
    harmonic = sum(1 / i for i in range(1, 51))
    assert 50 * sparsity(uniform(50, causal=True)) == pytest.approx(harmonic**-0.5)


def test_uniform_blocks_of_short_and_long_histories() -> None:
    """Newest 3 slots: of two items, of three, of five (whose rows see older keys too)."""
    short, exact, long = uniform_blocks(np.array([2, 3, 5]), causal=True, size=3)
    assert short.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0.5, 0.5]]
    np.testing.assert_allclose(exact, [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3])
    np.testing.assert_allclose(long, [[1 / 3, 0, 0], [0.25, 0.25, 0], [0.2, 0.2, 0.2]])
    assert uniform_blocks(np.array([5, 2, 5]), causal=False, size=2)[0].tolist() == [[0.2] * 2] * 2
