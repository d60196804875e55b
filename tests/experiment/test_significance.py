"""Significance figures against scipy, by hand, and on a textbook's example."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recbole_ext.experiment.significance import (
    bootstrap_means,
    bootstrap_p,
    compare_paired,
    holm,
    wilcoxon_p,
)

# Before and after, of ten subjects: differences with two ties and a zero.
BEFORE = np.array([125.0, 115, 130, 140, 140, 115, 140, 125, 140, 135])
AFTER = np.array([110.0, 122, 125, 120, 140, 124, 123, 137, 135, 145])


def test_wilcoxon_is_scipys() -> None:
    rng = np.random.default_rng(0)
    sample = np.where(rng.random(400) < 0.8, 0.0, rng.normal(0.05, 0.3, 400))
    assert wilcoxon_p(sample) == stats.wilcoxon(sample).pvalue
    assert wilcoxon_p(BEFORE - AFTER) == stats.wilcoxon(BEFORE, AFTER).pvalue


def test_wilcoxon_by_hand() -> None:
    """Of six differences without ties the exact p counts the signs with a sum as extreme."""
    differences = np.array([1.0, 2.0, -3.0, 4.0, 5.0, 6.0])  # ranks are the sizes; W- = 3
    sums = [
        sum(r for r, s in zip(range(1, 7), signs, strict=True) if s)
        for signs in product((0, 1), repeat=6)
    ]
    expected = 2 * sum(total <= 3 for total in sums) / 64
    assert expected == 10 / 64
    assert wilcoxon_p(differences) == pytest.approx(expected, rel=1e-12)


def test_no_difference_at_all() -> None:
    found = compare_paired(np.zeros(50))
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert (found.p_bootstrap, found.p_wilcoxon) == (1, 1)


def test_bootstrap_of_two_values_by_hand() -> None:
    """Samples of two out of {0, 1} have the means 0, 1/2, 1 with shares 1/4, 1/2, 1/4."""
    means = bootstrap_means(np.array([0.0, 1.0]), resamples=40_000)
    values, counts = np.unique(means, return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    assert counts / 40_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.01)


def test_bootstrap_interval_agrees_with_scipys() -> None:
    rng = np.random.default_rng(1)
    job, baseline = rng.integers(0, 4, 600) / 3, rng.integers(0, 3, 600) / 3
    found = compare_paired(job - baseline, seed=2)
    theirs = stats.bootstrap(
        (job - baseline,), np.mean, n_resamples=10_000, method="percentile", rng=3
    ).confidence_interval
    error = (job - baseline).std(ddof=1) / np.sqrt(600)
    assert found.mean == pytest.approx((job - baseline).mean())
    assert (found.low, found.high) == pytest.approx(theirs, abs=0.12 * error)


def test_bootstrap_draws_any_number_of_distinct_values() -> None:
    sample = np.random.default_rng(4).normal(1.0, 1.0, 3_000)  # more than fit at once
    means = bootstrap_means(sample, resamples=2_000)
    assert means.shape == (2_000,)
    assert means.mean() == pytest.approx(sample.mean(), abs=0.002)
    assert means.std() == pytest.approx(sample.std() / np.sqrt(3_000), rel=0.1)


@pytest.mark.parametrize(("n", "least"), [(1, 1.0), (3, 0.25), (6, 1 / 32), (40, 0.0)])
def test_a_few_equal_signs_tell_little(n: int, least: float) -> None:
    found = compare_paired(np.array([0.3] * n + [0.0] * 7))
    assert found.p_bootstrap >= least
    assert n < 40 or found.p_bootstrap < 0.001


def test_bootstrap_p_counts_the_other_side() -> None:
    means = np.array([-1.0] * 3 + [1.0] * 996)
    assert bootstrap_p(means) == pytest.approx(2 * 4 / 1000)
    assert bootstrap_p(-means) == bootstrap_p(means)
    assert bootstrap_p(np.ones(999)) == pytest.approx(2 / 1000)


def test_sides_change_with_the_sign() -> None:
    sample = BEFORE - AFTER
    one, other = compare_paired(sample), compare_paired(-sample)
    assert one.mean == -other.mean == pytest.approx(2.4)
    assert one.p_wilcoxon == other.p_wilcoxon
    assert one.low < one.mean < one.high


def test_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        compare_paired(np.array([]))


def test_holm_on_the_textbook_example() -> None:
    """Four hypotheses with p of 0.01, 0.04, 0.03, 0.005 (Wikipedia's and R's `p.adjust`)."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_lies_between_plain_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        assert p <= q <= min(1.0, len(p_values) * p)
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)
