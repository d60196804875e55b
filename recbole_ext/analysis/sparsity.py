"""Sparsity of attention matrices ('AE or AR attention', Table 2), and what it is without learning.

S depends on the matrix's size, so two forms are reported: of the newest n × n block with padded
rows zero, which all columns of the paper's table fit, and S·m over the m real rows, by length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

NULLS = {"bidirectional": False, "causal": True}  # attention that knows nothing: is it causal?


def sparsity(matrices: FloatArray) -> FloatArray:
    """[..., n, m] -> [...]: S = (‖x‖₁ / N) / ‖x‖₂ over the N = n·m entries.

    Smaller is more uneven: 1/N for a single entry, 1/√N where all are the same; NaN where all
    are 0.
    """
    size = matrices.shape[-1] * matrices.shape[-2]
    total, length = np.abs(matrices).sum((-2, -1)), np.sqrt(np.square(matrices).sum((-2, -1)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / size / length, dtype=np.float64)


def uniform(size: int, causal: bool) -> FloatArray:
    """[n, n] the attention that knows nothing: the same weight for every key in sight."""
    seen = np.ones((size, size))
    seen = np.tril(seen) if causal else seen
    return np.asarray(seen / seen.sum(1, keepdims=True), dtype=np.float64)
