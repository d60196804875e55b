"""Which item comes next, given the scores of all: greedy, sampled, or the best of several paths."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.nn.top import top_k

BEAM_SIZE = 4


class Choice(NamedTuple):
    """How N paths become N' longer ones, the paths of a user side by side, the best first.

    Attributes:
        parents: [N'] which path each continues.
        items: [N'] with which item.
        totals: [N'] log probability of each so far, float64.
    """

    parents: Tensor
    items: Tensor
    totals: Tensor


class Decoder(Protocol):
    """Chooses the next items of the paths of a batch."""

    def choose(self, scores: Tensor, totals: Tensor, step: int) -> Choice:
        """scores [N, V] (-inf: no candidate), totals [N] of the paths so far."""


class Greedy:
    """The best item; ties by item id."""

    def choose(self, scores: Tensor, totals: Tensor, step: int) -> Choice:
        return Choice(_all(scores), top_k(scores, 1)[1].squeeze(1), totals)


class Sample:
    """Drawn from softmax(scores / temperature), among the best ``k`` where given.

    Args:
        uniforms: [N, steps] numbers in [0, 1): one decides each draw (inverse of the cumulative
            distribution), so that a draw does not depend on the company in a batch.
    """

    def __init__(
        self, uniforms: NDArray[np.float64], temperature: float = 1.0, k: int | None = None
    ) -> None:
        self._uniforms, self._temperature, self._k = uniforms, temperature, k

    def choose(self, scores: Tensor, totals: Tensor, step: int) -> Choice:
        if self._k is None:
            candidates, items = scores, None
        else:
            candidates, items = top_k(scores, min(self._k, scores.shape[1] - 1))
        below = candidates.double() - candidates.amax(1, keepdim=True)  # 0 / T is 0 however small T
        probabilities = torch.softmax(below / self._temperature, 1)
        places = _draw(probabilities, torch.from_numpy(self._uniforms[:, step]).to(scores.device))
        drawn = places if items is None else items.gather(1, places.unsqueeze(1)).squeeze(1)
        return Choice(_all(scores), drawn, totals)


class Beam:
    """The ``size`` best paths of each user by the sum of log probabilities.

    A path continues with its own best ``size`` items at the most: no other can be among the best.
    """

    def __init__(self, n_users: int, size: int = BEAM_SIZE) -> None:
        self._n_users, self._size = n_users, size

    def choose(self, scores: Tensor, totals: Tensor, step: int) -> Choice:
        k = min(self._size, scores.shape[1] - 1)
        values, items = top_k(scores, k)
        log_probabilities = values.double() - torch.logsumexp(scores.double(), 1, keepdim=True)
        paths = (totals.unsqueeze(1) + log_probabilities).view(self._n_users, -1)
        best, places = top_k(paths, min(self._size, paths.shape[1]))
        first = torch.arange(self._n_users, device=scores.device) * paths.shape[1]
        flat = (places + first.unsqueeze(1)).flatten()
        return Choice(flat // k, items.flatten()[flat], best.flatten())


def draws_of(options: RolloutOptions, n_rows: int) -> NDArray[np.float64] | None:
    """[R, steps] what decides the draws of all that was asked; None where nothing is drawn."""
    if options.decode != "sample":
        return None
    return np.random.default_rng(options.seed).random((n_rows, options.steps))


def make_decoder(
    options: RolloutOptions, rows: NDArray[np.int64], draws: NDArray[np.float64] | None
) -> Decoder:
    """The decoder of a batch that holds ``rows`` [B] of what was asked; ``draws`` of all."""
    if draws is not None:
        return Sample(draws[rows], options.temperature or 1.0, options.top_k)
    if options.decode == "beam":
        return Beam(len(rows), options.beam_size or BEAM_SIZE)
    return Greedy()


def _all(scores: Tensor) -> Tensor:
    return torch.arange(len(scores), device=scores.device)


def _draw(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """[N, V], [N] -> [N] the first column whose cumulative probability exceeds the number."""
    cumulative = probabilities.cumsum(1)
    total = cumulative[:, -1:]
    places = torch.searchsorted(cumulative, uniforms.unsqueeze(1) * total, right=True)
    last = (cumulative < total).sum(1)  # the last of any probability: rounding must not pass it
    return torch.minimum(places.squeeze(1), last)
