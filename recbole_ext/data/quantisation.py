"""Vectors as M codes out of K each: residual and product quantisation by k-means."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.store import IntArray

FloatArray = NDArray[np.float32]
SAMPLES_PER_CODE = 256  # more vectors hardly move a centroid (as the library faiss limits them)
ROWS_AT_ONCE = 65_536


def residual_codes(vectors: FloatArray, n_codes: int, size: int, seed: int) -> IntArray:
    """[N, M] codes: each level clusters what the levels before have left over.

    Args:
        vectors: [N, d].
        n_codes: M.
        size: K.
    """
    left = vectors.copy()
    codes = np.zeros((len(vectors), n_codes), np.int64)
    for level in range(n_codes):
        centroids = _centroids(left, size, seed + level)
        codes[:, level] = _nearest(left, centroids)
        left -= centroids[codes[:, level]]
    return codes


def product_codes(vectors: FloatArray, n_codes: int, size: int, seed: int) -> IntArray:
    """[N, M] codes: level m clusters the columns m, m + M, m + 2M, ...

    Columns of an SVD fall in weight: dealt out in turn, no level has the light ones alone.
    """
    codes = np.zeros((len(vectors), n_codes), np.int64)
    for level in range(n_codes):
        columns = np.ascontiguousarray(vectors[:, level::n_codes])
        codes[:, level] = _nearest(columns, _centroids(columns, size, seed + level))
    return codes


def _centroids(vectors: FloatArray, size: int, seed: int) -> FloatArray:
    """At most [K, d]: fewer where there are fewer vectors."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    limit = size * SAMPLES_PER_CODE
    if len(vectors) > limit:
        vectors = vectors[np.sort(rng.choice(len(vectors), limit, replace=False))]
    means = KMeans(min(size, len(vectors)), n_init=1, max_iter=50, random_state=seed)
    # One thread: the order in which several add up their shares would show in the last bits.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # fewer distinct vectors than clusters: unused codes
        means.fit(vectors)
    found: FloatArray = means.cluster_centers_.astype(np.float32)
    return found


def _nearest(vectors: FloatArray, centroids: FloatArray) -> IntArray:
    """[N] the centroid at the smallest distance, the first of equal ones."""
    half = (centroids**2).sum(1) / 2.0
    nearest = np.zeros(len(vectors), np.int64)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        nearest[part] = (vectors[part] @ centroids.T - half).argmax(1)
    return nearest
