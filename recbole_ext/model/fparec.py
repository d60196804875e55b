"""PARec and FPARec: 'Is self-attention needed?' answered by positions alone (arXiv 2407.02793).

Both are the composable recommender with one mixer of the paper; their keys are in
``properties/model/PARec.yaml`` and ``properties/model/FPARec.yaml``.
"""

from __future__ import annotations

from recbole_ext.model.composable import ComposableRecommender


class PARec(ComposableRecommender):
    """Positional attention: softmax of a learned n x n table (Section 3.2).

    ``attention: positional``, see :class:`recbole_ext.nn.attention.positional.PositionalAttention`.
    """


class FPARec(ComposableRecommender):
    """Factorised positional attention: the table as a product of two n x k ones (Section 3.3).

    ``attention: factorized_positional``, see
    :class:`recbole_ext.nn.attention.factorized.FactorizedPositionalAttention`.
    """
