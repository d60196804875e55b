"""Losses that compare a target with N sampled negatives instead of with the whole catalogue.

For one position with target score s⁺ and negative scores s⁻ (σ the logistic function):

    BCE              -(log σ(s⁺) + Σ log(1 - σ(s⁻))) / (N + 1)
    gBCE(t)          -(β log σ(s⁺) + Σ log(1 - σ(s⁻))) / (N + 1)
    BPR              Σ softplus(s⁻ - s⁺) / N
    sampled softmax  log(exp(s⁺) + Σ exp(s⁻ - log m)) - s⁺

A draw that equals the target is no negative: its term is left out of the sum. So may be those that
the position has read (``exclude_history``): the others' expected counts stay as they are, so that
logQ still estimates, without bias, a sum over the items that are left. The loss then tends to the
cross-entropy over the catalogue less the history, not to the full one: nothing lowers the score of
an item once it has been read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_ext.nn.negatives import Negatives


@dataclass(frozen=True)
class Scores:
    """Of P positions, each with N draws.

    Attributes:
        target: [P].
        negative: [P, N].
        hits: [P, N] bool, draws that are no negatives: the target, or what is excluded.
        log_expected: [N] or [P, N], see :class:`~recbole_ext.nn.negatives.Negatives`.
    """

    target: Tensor
    negative: Tensor
    hits: Tensor
    log_expected: Tensor

    def without(self, excluded: Tensor) -> Scores:
        """Draws that are true in ``excluded`` [P, N] are no negatives either."""
        return replace(self, hits=self.hits | excluded)


SampledLoss = Callable[[Scores], Tensor]


def score(states: Tensor, table: Tensor, targets: Tensor, negatives: Negatives) -> Scores:
    """Inner products of states [P, d] with their rows of table [R, d], in fp32 at least."""
    wanted, rows = F.embedding(targets, table), F.embedding(negatives.ids, table)
    return score_rows(states, wanted, rows, targets, negatives)


def score_rows(
    states: Tensor, wanted: Tensor, rows: Tensor, targets: Tensor, negatives: Negatives
) -> Scores:
    """The same with the vectors at hand: of the targets [P, d], of the negatives [(P,) N, d].

    Negatives that all positions share take one matrix product; a draw a position gathers P x N
    rows.
    """
    wide = torch.promote_types(states.dtype, torch.float32)
    with torch.autocast(states.device.type, enabled=False):
        states, wanted, rows = states.to(wide), wanted.to(wide), rows.to(wide)
        shared = rows.dim() == 2
        negative = states @ rows.T if shared else (rows @ states.unsqueeze(-1)).squeeze(-1)
        target = (states * wanted).sum(-1)
    return Scores(target, negative, negatives.hits(targets), negatives.log_expected)


def weighted_sum(losses: Tensor, weights: Tensor | None) -> Tensor:
    """losses [P], weights [P] or None (1/P each, the mean) -> scalar."""
    if weights is None:
        return losses.sum() / max(len(losses), 1)
    return (losses * weights).sum()


def generalized_bce(scores: Scores, beta: float) -> Tensor:
    """gBCE (gSASRec, arXiv 2308.07192, Eq. 12) of each position, [P].

    The target's likelihood is raised to ``beta`` <= 1, against the overconfidence that follows from
    showing the target every time and each negative rarely. ``beta`` = 1 is BCE.
    """
    negative = F.softplus(scores.negative).masked_fill(scores.hits, 0.0).sum(-1)
    return (beta * F.softplus(-scores.target) + negative) / (scores.negative.shape[1] + 1)


def gbce_beta(n_negatives: int, n_items: int, t: float) -> float:
    """β = α(t(1 - 1/α) + 1/α), α = N/(V - 1) the sampling rate; t = 0 gives 1, t = 1 gives α."""
    rate = n_negatives / (n_items - 1)
    return rate * (t * (1.0 - 1.0 / rate) + 1.0 / rate)


def bpr(scores: Scores) -> Tensor:
    """Bayesian personalised ranking (arXiv 1205.2618), the mean over the negatives, [P]."""
    margins = F.softplus(scores.negative - scores.target.unsqueeze(1))
    return margins.masked_fill(scores.hits, 0.0).sum(-1) / scores.negative.shape[1]


def sampled_softmax(scores: Scores, logq_correction: bool) -> Tensor:
    """Cross-entropy of the target among itself and its negatives, [P].

    With the correction Σ exp(s⁻ - log m) is an unbiased estimate of the sum over all other items,
    if each can be drawn, so that the loss tends to the full cross-entropy as N grows. The target
    is there for certain, not by the draw: it is not corrected.
    """
    negative = scores.negative
    if logq_correction:
        negative = negative - scores.log_expected.to(negative.dtype)
    negative = negative.masked_fill(scores.hits, float("-inf"))
    together = torch.cat([scores.target.unsqueeze(1), negative], dim=1)
    return together.logsumexp(1) - scores.target
