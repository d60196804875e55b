"""Ranks of attention matrices ('AE or AR attention', Table 3), by several definitions.

The paper's Y = A + E, E Gaussian of variance σ², τ = √(2 (σ² + ‖Σ(Y)‖²_F / n²) log 2n) and
k = #{s_i > τ}; σ is not given there. With E drawn anew its own singular values (about 2σ√n) exceed
τ, so that k can rise with σ; for a fixed Y it cannot. The limit σ → 0 is the number to quote.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SIGMAS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_GAVISH_DONOHO = 2.858  # ω(1), square matrices, unknown noise (arXiv 1305.5870, Table IV)


def singular_values(matrices: FloatArray) -> FloatArray:
    """[..., n, n] -> [..., n], the largest first."""
    return np.asarray(np.linalg.svd(matrices, compute_uv=False), dtype=np.float64)


def rank_k(values: FloatArray, sigma: float = 0.0) -> FloatArray:
    """[..., n] singular values of Y -> [...] the paper's k at a noise level; 0 is the limit."""
    n = values.shape[-1]
    energy = np.square(values).sum(-1, keepdims=True) / n**2
    threshold = np.sqrt(2.0 * (sigma**2 + energy) * np.log(2 * n))
    return np.asarray((values > threshold).sum(-1), dtype=np.float64)


def gavish_donoho(values: FloatArray) -> FloatArray:
    """[..., n] -> [...] singular values above the optimal hard threshold, 2.858 × their median.

    Where more than half of them are 0 the threshold is rounding's: all others count.
    """
    noise = np.finfo(np.float64).eps * values.shape[-1] * values[..., :1]
    threshold = _GAVISH_DONOHO * np.median(values, axis=-1, keepdims=True)
    return np.asarray((values > np.maximum(threshold, noise)).sum(-1), dtype=np.float64)


def stable_rank(values: FloatArray) -> FloatArray:
    """[..., n] -> [...] ‖A‖²_F / ‖A‖²₂; NaN for a matrix of zeros."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.square(values).sum(-1) / np.square(values[..., 0]), dtype=np.float64)


def entropy_rank(values: FloatArray) -> FloatArray:
    """[..., n] -> [...] exp of the entropy of s / Σs (Roy and Vetterli 2007); NaN for zeros."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = values / values.sum(-1, keepdims=True)
        terms = np.where(share == 0, 0.0, share * np.log(share))
    return np.asarray(np.exp(-terms.sum(-1)), dtype=np.float64)


def low_rank(matrix: FloatArray, rank: int) -> FloatArray:
    """[n, n] -> [n, n], the nearest matrix of that rank (Eckart and Young 1936)."""
    left, values, right = np.linalg.svd(matrix)
    return np.asarray((left[:, :rank] * values[:rank]) @ right[:rank], dtype=np.float64)
