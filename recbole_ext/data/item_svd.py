"""Item vectors out of the training interactions: a truncated SVD of the item-item matrix.

The matrix holds the cosines of items' sets of users, C_ij = |U_i ∩ U_j| / √(|U_i| |U_j|). With X
the user-item matrix of zeros and ones whose columns are brought to length 1, C = XᵀX: C is never
formed, its singular vectors are X's right ones and its singular values the squares of X's. The
vectors are the rows of V Σ, whose inner products are the best approximation of C of that rank,
brought to length 1: their lengths tell how well an item fits into that rank, not what it is like,
and vary so much that most of the codes would go to a few items (Beauty: the largest of 256 clusters
had 3,583 of 12,101 items; of rows of length 1, 184).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recbole_ext.data.store import IntArray

FloatArray = NDArray[np.float32]
ROUNDING = np.float32(1e-5)


def item_vectors(
    users: IntArray, items: IntArray, n_items: int, rank: int, seed: int
) -> FloatArray:
    """[n_items, rank] float32, rows of length 1.

    Zero rows: PAD, items without a training interaction, and those the rank has no part of.

    Args:
        users, items: [N] of the training interactions; a repeated pair counts once.
        rank: columns beyond the matrix's own rank are zero.
        seed: of the random projection (Halko et al., SIAM Review 2011).
    """
    from sklearn.utils.extmath import randomized_svd

    matrix = _unit_columns(users, items, n_items)
    width = min(rank, *matrix.shape)
    _, values, right = randomized_svd(matrix, width, random_state=seed)
    vectors = np.zeros((n_items, rank), np.float32)
    vectors[:, :width] = right.T * values
    return _unit_rows(vectors)


def _unit_rows(vectors: FloatArray) -> FloatArray:
    """Rows of length 1; zero where nothing but rounding errors is left of a row."""
    lengths = np.sqrt((vectors**2).sum(1, keepdims=True))  # of the whole rows of C: at least 1
    return np.where(lengths > ROUNDING, vectors / np.maximum(lengths, ROUNDING), np.float32(0.0))


def _unit_columns(users: IntArray, items: IntArray, n_items: int) -> sparse.csr_matrix:
    """X [users with a training interaction, n_items]."""
    known, rows = np.unique(users, return_inverse=True)
    ones = np.ones(len(items), np.float32)
    matrix = sparse.csr_matrix((ones, (rows, items)), shape=(len(known), n_items))
    matrix.data[:] = 1.0  # the constructor has added up repeated pairs
    counts = np.bincount(matrix.indices, minlength=n_items)
    scale = 1.0 / np.sqrt(np.maximum(counts, 1), dtype=np.float32)
    return matrix @ sparse.diags_array(scale.astype(np.float32))
