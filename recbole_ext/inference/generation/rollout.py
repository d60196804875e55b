"""Feed predictions back, for many users at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recbole_ext.data.batches import batches_in_order
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import DataError
from recbole_ext.inference.generation.decoding import draws_of, make_decoder
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.inference.generation.steps import Steps
from recbole_ext.inference.scorer import Scorer, without_seen
from recbole_ext.inference.sequences import Sequences, continued

# (all scores [N, V], candidates' scores [N, V], rows of what was asked [N]) -> [N, ...] by name
Measure = Callable[[Tensor, Tensor, IntArray], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Rollouts:
    """The predicted items of R users.

    Attributes:
        items: [R, T] ids.
        scores: [R, T] the model's, each when its item was chosen.
        measured: [R, T, ...] by name, what was measured of the predictive distributions.
    """

    items: IntArray
    scores: NDArray[np.float64]
    measured: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def roll_out(
    scorer: Scorer,
    sequences: Sequences,
    options: RolloutOptions,
    batch_size: int,
    measure: Measure | None = None,
) -> Rollouts:
    """Continue each sequence by ``options.steps`` items, in batches of like length.

    Raises:
        DataError: every item is excluded for a user.
        FloatingPointError: a score is NaN.
    """
    if not len(sequences.lengths):
        nothing = np.zeros((0, options.steps))
        return Rollouts(nothing.astype(np.int64), nothing)
    order = np.argsort(-sequences.lengths, kind="stable")
    draws = draws_of(options, len(order))
    parts = [
        _batch(scorer, sequences, order[batch], options, draws, measure)
        for batch in batches_in_order(len(order), batch_size)
    ]
    back = np.argsort(order)
    found = {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}
    return Rollouts(found.pop("item").astype(np.int64), found.pop("score"), found)


def _batch(
    scorer: Scorer,
    sequences: Sequences,
    rows: IntArray,
    options: RolloutOptions,
    draws: NDArray[np.float64] | None,
    measure: Measure | None,
) -> dict[str, NDArray[np.float64]]:
    """By name [B, T, ...] of the best path of each of ``rows``."""
    decoder = make_decoder(options, rows, draws)
    store, owner, steps = continued(sequences, rows), rows, Steps(scorer, options.steps)
    totals = torch.zeros(len(rows), dtype=torch.float64)
    trail: list[dict[str, Tensor]] = []  # one entry a step, each of all paths
    for step in range(options.steps):
        everything = steps.scores(store, sequences.picked[owner])
        scores = without_seen(everything, store) if options.exclude_seen else everything
        _refuse_exhausted(scores, step)
        choice = decoder.choose(scores, totals.to(scores.device), step)
        parents, totals = choice.parents, choice.totals
        found = dict(measure(everything, scores, owner)) if measure else {}
        found = {name: values[parents] for name, values in found.items()}
        found |= {"item": choice.items, "score": scores[parents, choice.items]}
        trail = [{name: v[parents] for name, v in past.items()} for past in trail] + [found]
        steps.follow(parents)
        chosen = parents.cpu().numpy()
        owner = owner[chosen]
        store = fed_back(store, chosen, choice.items.cpu().numpy())
    best = slice(None, None, len(owner) // len(rows))
    return {
        name: torch.stack([past[name][best] for past in trail], 1).double().cpu().numpy()
        for name in trail[0]
    }


def fed_back(store: SequenceStore, rows: IntArray, items: IntArray) -> SequenceStore:
    """The sequences at ``rows`` [N] of a :func:`continued` store, ``items`` [N] now known.

    Each is followed by PAD again, in the place of its next item.
    """
    grown = continued(Sequences(store, rows, known=True), np.arange(len(rows)))
    grown.items[grown.offsets[1:] - 2] = items
    return grown


def _refuse_exhausted(scores: Tensor, step: int) -> None:
    if bool((scores.max(1).values == -torch.inf).any()):
        raise DataError(
            f"step {step + 1}: no item is left for someone who has seen them all; "
            "roll out fewer steps or let seen items in"
        )
