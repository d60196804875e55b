"""Vectors as M codes out of K each: residual and product quantisation by k-means.

Items whose codes are all equal cannot be told apart by a model. So the last level does not always
take the nearest centroid: of vectors that agree in all levels before, the first takes its nearest,
each further one the nearest that is not taken yet, as long as there are any.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from recbole_ext.data.row_numbers import row_numbers
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
        if level < n_codes - 1:
            left -= centroids[codes[:, level]]
    return _told_apart(codes, left, centroids)


def product_codes(vectors: FloatArray, n_codes: int, size: int, seed: int) -> IntArray:
    """[N, M] codes: level m clusters the columns m, m + M, m + 2M, ...

    Columns of an SVD fall in weight: dealt out in turn, no level has the light ones alone.
    """
    codes = np.zeros((len(vectors), n_codes), np.int64)
    for level in range(n_codes):
        columns = np.ascontiguousarray(vectors[:, level::n_codes])
        centroids = _centroids(columns, size, seed + level)
        codes[:, level] = _nearest(columns, centroids)
    return _told_apart(codes, columns, centroids)


def _told_apart(codes: IntArray, vectors: FloatArray, centroids: FloatArray) -> IntArray:
    """Codes with the last level moved where items would be equal; ``vectors``: of that level."""
    whole, prefix = row_numbers(codes), row_numbers(codes[:, :-1])
    crowded = np.unique(prefix[np.bincount(whole)[whole] > 1])
    order = np.argsort(prefix, kind="stable")
    ordered = prefix[order]
    for group in crowded:
        first, end = np.searchsorted(ordered, (group, group + 1))
        members = order[first:end]
        codes[members, -1] = _each_its_own(_costs(vectors[members], centroids))
    return codes


def _each_its_own(costs: FloatArray) -> IntArray:
    """[G, K] costs -> [G] the cheapest column not taken by a row before; any once all are."""
    taken = np.zeros(costs.shape[1], np.float32)
    chosen = np.zeros(len(costs), np.int64)
    for row, cost in enumerate(costs):
        if row < costs.shape[1]:
            cost = cost + taken
        chosen[row] = cost.argmin()
        taken[chosen[row]] = np.inf
    return chosen


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
    nearest = np.zeros(len(vectors), np.int64)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        nearest[part] = _costs(vectors[part], centroids).argmin(1)
    return nearest


def _costs(vectors: FloatArray, centroids: FloatArray) -> FloatArray:
    """[N, K] half the squared distances, less what is the same for all centroids."""
    costs: FloatArray = (centroids**2).sum(1) / 2.0 - vectors @ centroids.T
    return costs
