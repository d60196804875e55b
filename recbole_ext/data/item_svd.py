"""Item vectors out of the training interactions: a truncated SVD of the item-item matrix.

The matrix holds the cosines of items' sets of users, C_ij = |U_i ∩ U_j| / √(|U_i| |U_j|). With X
the user-item matrix of zeros and ones whose columns are brought to length 1, C = XᵀX: C is never
formed, its singular vectors are X's right ones and its singular values the squares of X's. The
vectors are V Σ, so that V Σ (V Σ)ᵀ is the best approximation of C of that rank.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recbole_ext.data.store import IntArray

FloatArray = NDArray[np.float32]


def item_vectors(
    users: IntArray, items: IntArray, n_items: int, rank: int, seed: int
) -> FloatArray:
    """[n_items, rank] float32; zero for PAD and for items without a training interaction.

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
    return vectors


def _unit_columns(users: IntArray, items: IntArray, n_items: int) -> sparse.csr_matrix:
    """X [users with a training interaction, n_items]."""
    known, rows = np.unique(users, return_inverse=True)
    ones = np.ones(len(items), np.float32)
    matrix = sparse.csr_matrix((ones, (rows, items)), shape=(len(known), n_items))
    matrix.data[:] = 1.0  # the constructor has added up repeated pairs
    counts = np.bincount(matrix.indices, minlength=n_items)
    scale = 1.0 / np.sqrt(np.maximum(counts, 1), dtype=np.float32)
    return matrix @ sparse.diags_array(scale.astype(np.float32))
