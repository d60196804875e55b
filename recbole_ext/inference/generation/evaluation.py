"""Rollouts against what users really took next: accuracy, and what is lost on the way.

Each user's last items were held out of training (``holdout: T``). Rollouts start before them, and
step t is compared with the t-th of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.data.popularity import interaction_counts
from recbole_ext.data.store import IntArray
from recbole_ext.errors import ConfigError
from recbole_ext.evaluation import statistics
from recbole_ext.evaluation.statistics import FloatArray
from recbole_ext.inference.generation import measures
from recbole_ext.inference.generation.generate import batch_size, refuse_unsequential
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.inference.generation.rollout import Rollouts, roll_out
from recbole_ext.inference.scorer import Scorer
from recbole_ext.inference.sequences import Sequences

if TYPE_CHECKING:
    from recbole_ext.runner import Run


@dataclass(frozen=True)
class Findings:
    """What rollouts are like.

    Attributes:
        users: [U] ids.
        left_out: users with fewer than ``holdout`` + 2 items.
        rollouts: of the users.
        model, truth: by statistic, [T]; the truth has no accuracy and no entropy.
    """

    users: IntArray
    left_out: int
    rollouts: Rollouts
    model: Mapping[str, FloatArray]
    truth: Mapping[str, FloatArray]


def evaluate(run: Run, options: RolloutOptions) -> Findings:
    """Roll out from before the held-out items of every user who has some.

    Raises:
        ConfigError: the model was trained with items that the rollouts are compared with.
    """
    refuse_unsequential(run)
    _refuse_trained_on(run, options.steps)
    store, split = run.dataset.store, run.loaders.split
    users = np.flatnonzero(split.test >= 0)
    truth = store.items[split.test[users][:, None] + np.arange(options.steps)]
    sequences = Sequences(store.cut(split.test), users, known=True)
    scorer = Scorer(run, known=True, rolls_out=True)
    gauge = Gauge(truth)
    found = roll_out(scorer, sequences, options, batch_size(run.config, options), gauge)
    percentiles = statistics.popularity_percentiles(interaction_counts(store, split.train_end))
    own, true = (_statistics(items, percentiles, truth) for items in (found.items, truth))
    accuracy = measures.hits(found.measured["ranks"], truth)
    entropy = {"entropy": found.measured["entropy"].mean(0)}
    left_out = store.n_users - 1 - len(users)
    return Findings(users, left_out, found, {**accuracy, **entropy, **own}, true)


class Gauge:
    """Measures each predictive distribution: the ranks of the truth, and its entropy.

    Args:
        truth: [U, T] items really taken.
    """

    def __init__(self, truth: IntArray) -> None:
        self._truth = torch.from_numpy(truth)

    def __call__(self, everything: Tensor, scores: Tensor, rows: IntArray) -> dict[str, Tensor]:
        """``ranks`` [N, T] and ``entropy`` [N] in nats, of the softmax over the candidates."""
        truth = self._truth[torch.from_numpy(rows)].to(scores.device)
        entropy = torch.special.entr(torch.softmax(scores.float(), 1)).sum(1)
        return {"ranks": ranks_of(everything, scores, truth), "entropy": entropy}


def ranks_of(everything: Tensor, scores: Tensor, truth: Tensor) -> Tensor:
    """[N, T] rank of each item of ``truth`` [N, T] among the candidates.

    1 + candidates scored higher + half of the ties; an item keeps its own score where it is no
    candidate any more (``exclude_seen``), as in evaluation: masking never masks the target.
    """
    ranks = []
    for item in truth.split(1, dim=1):
        own = everything.gather(1, item)
        higher = (scores > own).sum(1)
        ties = (scores == own).sum(1) - (scores.gather(1, item) == own).squeeze(1).long()
        ranks.append(1.0 + higher + ties / 2.0)
    return torch.stack(ranks, 1)


def report(run: Run, options: RolloutOptions, findings: Findings) -> dict[str, Any]:
    """The findings as JSON holds them; statistics are lists with an entry for each step."""
    given = {name: value for name, value in asdict(options).items() if value is not None}
    return {
        "model": run.config["model"],
        "dataset": run.config["dataset"],
        "run_dir": str(run.run_dir),
        "holdout": run.config["holdout"],
        "options": given,
        "users": len(findings.users),
        "users_left_out": findings.left_out,
        "model_statistics": _lists(findings.model),
        "truth_statistics": _lists(findings.truth),
    }


def _lists(statistics: Mapping[str, FloatArray]) -> dict[str, list[float | None]]:
    return {
        name: [float(value) if np.isfinite(value) else None for value in values]
        for name, values in statistics.items()
    }


def _statistics(items: IntArray, percentiles: FloatArray, truth: IntArray) -> dict[str, FloatArray]:
    """Of rollouts or of the truth: what needs no scores."""
    n_items = len(percentiles) - 1
    spread, reference = (
        measures.popularity_distribution(one, percentiles) for one in (items, truth)
    )
    return {
        "popularity": percentiles[items].mean(0),
        "repeats": measures.repeats(items),
        "coverage": measures.coverage(items, n_items),
        "gini": measures.gini(items, n_items),
        "jaccard": statistics.jaccard(items, statistics.sampled_pairs(len(items))),
        "js_divergence": statistics.jensen_shannon(spread, reference),
    }


def _refuse_trained_on(run: Run, steps: int) -> None:
    held = run.config["holdout"]
    if steps > held:
        raise ConfigError(
            f"{run.run_dir} was trained with holdout: {held}, so it has seen items that {steps} "
            f"steps are compared with; train it with --holdout={steps}, or give --steps={held}"
        )
