"""Inverse-propensity weights: what was seldom shown counts the more where it was taken.

What is logged was shown by an older system. With propensity p_i ∝ count_i^η of item i, a mean over
logged items in which each weighs 1/p_i, divided by the sum of the weights (self-normalised), tends
to the mean over items as if all had been shown alike (arXiv 1602.05352).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.embedding import PAD

ROUNDING = 1e-12


def inverse_propensities(counts: Tensor, exponent: float) -> Tensor:
    """counts [V] -> 1/p [V] in float64, up to a factor; an item never counted counts as one."""
    return counts.double().clamp(min=1.0) ** -exponent


def _of_mean_1(weight: Tensor, share: Tensor, clip: float | None) -> Tensor:
    """[V] min(a w, clip) with the a that makes their mean, weighted by ``share``, 1."""
    if clip is None:
        return weight / (share * weight).sum()
    cut = torch.zeros_like(weight, dtype=torch.bool)
    while (left := (share * weight)[~cut].sum()) > 0:
        scaled = weight * (1.0 - clip * share[cut].sum()) / left
        beyond = cut | (scaled > clip * (1.0 - ROUNDING))
        if torch.equal(beyond, cut):
            return scaled.where(~cut, clip)
        cut = beyond  # what they lose, the others gain
    return torch.full_like(weight, clip)


class PropensityWeights(nn.Module):
    """Weights of training targets, of mean 1 over the training data.

    The sum that normalises is the whole data set's, so that an epoch's loss is the self-normalised
    estimate; a batch's own sum would make rare items count less in the company of others.

    Args:
        counts: [V + 1] by item id, how often each was taken; PAD's is ignored.
        exponent: η; 0 weighs all alike.
        clip: the largest weight, which bounds the variance at the price of a bias to the popular;
            None: there is none.
        asked: [V + 1] how often each is a target in an epoch, up to a factor; the mean is taken
            over these. None: as often as it was taken.
    """

    weight: Tensor

    def __init__(
        self, counts: Tensor, exponent: float, clip: float | None, asked: Tensor | None = None
    ) -> None:
        super().__init__()
        share = (counts if asked is None else asked).double()
        share = share.index_fill(0, torch.tensor(PAD), 0.0)
        share = share / share.sum()
        weight = _of_mean_1(inverse_propensities(counts, exponent), share, clip)
        self.register_buffer("weight", weight.float(), persistent=False)

    def forward(self, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Targets [P] and their weights [P] (None: 1/P each) -> weights [P]."""
        own = self.weight[targets]
        return own / max(len(targets), 1) if weights is None else own * weights
