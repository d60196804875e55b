"""What item embeddings are like: how many dimensions they use, how far they are the same again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from recbole_ext.analysis.rank import entropy_rank, singular_values

Matrix = NDArray[np.float64]


def item_vectors(model: Any) -> Matrix | None:
    """[n_items, d] vectors that items are scored with, PAD's first; None where there are none.

    Without what is no part of an item: the last column that SSE-PT's scores need.
    """
    table = getattr(model, "item_table", None)
    if table is None:  # RecBole's models
        table = getattr(getattr(model, "item_embedding", None), "weight", None)
    if table is None:
        return None
    return np.asarray(table.detach().cpu()[:, : getattr(model, "item_size", None)].double().numpy())


def effective_rank(vectors: Matrix) -> float:
    """exp of the entropy of the singular values' shares (Roy and Vetterli 2007).

    Of the centred [n, d] vectors: between 0 (all alike) and d (alike in every direction).
    """
    values = singular_values(centred(vectors))
    noise = values.max() * max(vectors.shape) * np.finfo(np.float64).eps
    return float(entropy_rank(values[values > noise])) if (values > noise).any() else 0.0


def stability(one: Matrix, other: Matrix) -> float:
    """Cosine of two embeddings [n, d] of the same items after the best rotation (Procrustes).

    Both are centred and brought to norm 1; the result is max over orthogonal R of <A R, B>: 1 where
    they differ by rotation, reflection, shift and scale alone. Unrelated ones are above 0, since R
    is fitted: compare with :func:`chance`.
    """
    return float(orthogonal_procrustes(_unit(one), _unit(other))[1])


def chance(one: Matrix, other: Matrix, seed: int = 0) -> float:
    """:func:`stability` after the second one's items have changed places at random."""
    order = np.random.default_rng(seed).permutation(len(other))
    return stability(one, other[order])


def _unit(vectors: Matrix) -> Matrix:
    """Centred and of norm 1; zero where all vectors are alike."""
    moved = centred(vectors)
    return moved / (np.linalg.norm(moved) or 1.0)


def centred(vectors: Matrix) -> Matrix:
    """Less their mean."""
    return vectors - vectors.mean(0)
