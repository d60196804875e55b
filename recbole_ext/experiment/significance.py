"""Whether two models differ: paired over users, corrected for how many are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 10_000
LEVEL = 0.95
_AT_ONCE = 4_000_000  # counts drawn at once: 32 MB


@dataclass(frozen=True)
class Difference:
    """Of the means of two paired samples.

    Attributes:
        mean: mean difference.
        low, high: its bootstrap confidence interval (percentiles, 95 %).
        p_bootstrap: two-sided: twice the share of resampled means on the other side of 0, and not
            less than a sign test could say of as many pairs.
        p_wilcoxon: two-sided Wilcoxon signed-rank test; pairs without a difference are left out.
    """

    mean: float
    low: float
    high: float
    p_bootstrap: float
    p_wilcoxon: float


def compare_paired(differences: Floats, seed: int = 0) -> Difference:
    """Both tests on the differences of pairs, [U].

    Raises:
        ValueError: no pairs.
    """
    means = bootstrap_means(differences, seed)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(
        float(differences.mean()),
        float(low),
        float(high),
        max(bootstrap_p(means), _least_p(differences)),
        wilcoxon_p(differences),
    )


def bootstrap_means(differences: Floats, seed: int = 0, resamples: int = RESAMPLES) -> Floats:
    """[resamples] means of samples of U drawn from U with replacement.

    How often each distinct value is drawn is multinomial; metrics of a rank take few values, so
    that is far less to draw than U places for every sample.
    """
    if not len(differences):
        raise ValueError("no pairs to compare")
    values, counts = np.unique(differences, return_counts=True)
    shares, n = counts / counts.sum(), int(counts.sum())
    rng = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // len(values))
    sizes = [min(rows, resamples - begin) for begin in range(0, resamples, rows)]
    means = [rng.multinomial(n, shares, size=size) @ values / n for size in sizes]
    return np.concatenate(means)


def bootstrap_p(means: Floats) -> float:
    """Two-sided; at least 2 / (resamples + 1), as a finite number of samples cannot say less."""
    below, above = int((means <= 0).sum()), int((means >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(means) + 1))


def _least_p(differences: Floats) -> float:
    """How often n pairs that differ do so in one direction by chance: resampling cannot know."""
    return min(1.0, 2.0 ** (1 - int(np.count_nonzero(differences))))


def wilcoxon_p(differences: Floats) -> float:
    """Two-sided p of the Wilcoxon signed-rank test (scipy's); 1 where no pair differs."""
    if not np.any(differences):
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences, zero_method="wilcox", alternative="two-sided").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given.

    The smallest of m values is multiplied by m, the next by m - 1 and so on; none falls below the
    one before it, none exceeds 1 (Holm 1979).
    """
    m = len(p_values)
    adjusted, so_far = [0.0] * m, 0.0
    for step, place in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        so_far = max(so_far, min(1.0, (m - step) * p_values[place]))
        adjusted[place] = so_far
    return adjusted
