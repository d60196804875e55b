"""logQ-corrected sampled softmax estimates the full one; without N or with hits it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_ext.nn.negatives import InBatch, NegativeSampler, Popularity, Source, Uniform
from recbole_ext.nn.sampled_losses import Scores, sampled_softmax, score

V, D = 5, 3
COUNTS = torch.tensor([0, 12, 8, 4, 3, 2])
POSITIONS = 300
BATCHES = 40
Change = Callable[[Scores], Scores]


def sources(name: str, n: int) -> list[tuple[Source, int]]:
    return {
        "uniform": [(Uniform(V), n)],
        "popularity": [(Popularity(COUNTS, 0.75), n)],
        "mixed": [(InBatch(COUNTS), n // 2), (Uniform(V), n // 2)],
        "in_batch": [(InBatch(COUNTS), n)],
    }[name]


def without_n(scores: Scores) -> Scores:
    """log q in the place of log m."""
    n = scores.negative.shape[1]
    return replace(scores, log_expected=scores.log_expected - torch.tensor(float(n)).log())


def with_hits(scores: Scores) -> Scores:
    return replace(scores, hits=torch.zeros_like(scores.hits))


def without_batch_share(scores: Scores) -> Scores:
    """As if all draws were uniform."""
    uniform = torch.full_like(scores.log_expected, scores.negative.shape[1] / V)
    return replace(scores, log_expected=uniform.log())


def new_table() -> Tensor:
    return (0.7 * torch.randn(V + 1, D, dtype=torch.float64)).requires_grad_()


def difference(
    draw: NegativeSampler, table: Tensor, share: Tensor, change: Change | None = None
) -> Tensor:
    """[V · d] gradient of a batch's mean sampled loss minus that of the full one.

    With a ``change``: the changed loss minus the sampled one of the very same draws, whose noise
    is in both. Targets are as the data have them.
    """
    targets = torch.multinomial(share, POSITIONS, replacement=True) + 1
    states = torch.randn(POSITIONS, D, dtype=torch.float64)
    scores = score(states, table, targets, draw(targets))
    found = sampled_softmax(scores, logq_correction=True).mean()
    other = F.cross_entropy(states @ table[1:].T, targets - 1)
    if change is not None:
        found, other = sampled_softmax(change(scores), logq_correction=True).mean(), found
    (gradient,) = torch.autograd.grad(found - other, table)
    return gradient[1:].flatten()


def bias(
    name: str, shared: bool, change: Change | None = None, n: int = 500, counts: Tensor = COUNTS
) -> tuple[Tensor, Tensor]:
    """Mean difference of the gradients over many batches, and its standard error, [V · d] each."""
    torch.manual_seed(5)
    table = new_table()
    draw = NegativeSampler(sources(name, n), shared)
    share = counts[1:].double() / counts.sum()
    found = torch.stack([difference(draw, table, share, change) for _ in range(BATCHES)])
    return found.mean(0), found.std(0) / len(found) ** 0.5


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", ["uniform", "popularity", "mixed"])
def test_the_gradient_is_the_full_ones(name: str, shared: bool) -> None:
    mean, error = bias(name, shared)
    # The loss holds the logarithm of an estimate: a bias of order 1/N remains.
    assert (mean.abs() < 4.5 * error + 1 / 500).all()
    assert error.max() < 0.003


@pytest.mark.parametrize("change", [without_n, with_hits, without_batch_share])
@pytest.mark.parametrize("name", ["uniform", "popularity", "mixed"])
def test_a_wrong_formula_is_seen(name: str, change: Change) -> None:
    if (name, change) == ("uniform", without_batch_share):
        pytest.skip("which is the right formula for uniform draws")
    """It moves the gradient by far more than what is left of the right one's bias, 1/N."""
    mean, error = bias(name, shared=True, change=change)
    assert (mean.abs() - 4.5 * error).max() > 2 / 500


def test_in_batch_negatives_alone_never_see_some_items() -> None:
    """Item 5 is no target: q = 0, and its part of the gradient stays away."""
    counts = COUNTS.clone()
    counts[5:] = 0
    mean, error = bias("in_batch", shared=True, counts=counts)
    assert (mean.abs() - 4.5 * error).view(V, D)[4].max() > 10 / 500


@pytest.mark.parametrize("name", ["uniform", "popularity"])
def test_the_sum_over_other_items_is_estimated_without_bias_for_few_negatives(name: str) -> None:
    """E Σ exp(s - log m) = Σ over all but the target of exp(s), exactly, with N = 3."""
    torch.manual_seed(6)
    scores_of = torch.randn(V + 1, dtype=torch.float64)
    targets = torch.full((100_000,), 2)
    drawn = NegativeSampler(sources(name, 3), shared=False)(targets)
    parts = (scores_of[drawn.ids] - drawn.log_expected).exp()
    sums = parts.masked_fill(drawn.hits(targets), 0.0).sum(1)
    exact = scores_of[1:].exp().sum() - scores_of[2].exp()
    assert abs(sums.mean() - exact) < 4.5 * sums.std() / len(sums) ** 0.5


def test_more_negatives_come_closer() -> None:
    """The error of one batch's gradient falls with √N."""
    errors = []
    for n in (10, 1000):
        torch.manual_seed(7)
        table = new_table()
        draw = NegativeSampler(sources("uniform", n), shared=True)
        share = COUNTS[1:].double() / COUNTS.sum()
        batches = [difference(draw, table, share).norm() for _ in range(10)]
        errors.append(torch.stack(batches).mean())
    assert errors[1] < errors[0] / 5
