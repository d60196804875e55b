"""What the next T items of users or histories will be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from recbole.utils import ModelType

from recbole_ext.errors import DataError, show
from recbole_ext.inference.asked import Asked
from recbole_ext.inference.generation.decoding import BEAM_SIZE
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.inference.generation.rollout import Rollouts, roll_out
from recbole_ext.inference.recommend import asked_sequences, titles_of, warn_caller
from recbole_ext.inference.results import Recommendations
from recbole_ext.inference.scorer import Scorer
from recbole_ext.inference.sequences import Sequences

if TYPE_CHECKING:
    from recbole_ext.runner import Run


class Continuations(Recommendations):
    """Rows of rollouts: the ``rank`` of each is its step, from 1."""

    @property
    def columns(self) -> list[str]:
        return ["step" if name == "rank" else name for name in super().columns]


def generate(
    run: Run, asked: Asked, options: RolloutOptions, warn: Callable[[str], None] | None = None
) -> Continuations:
    """The next ``options.steps`` items of each user or history, predictions fed back.

    Known users are continued from all that is known of them, held-out items included.

    Args:
        warn: is told of items left out by ``on_unknown: skip``; a Python warning if None.

    Raises:
        DataError: an unknown user or item, an empty history, a malformed ``.item`` file, or a model
            that cannot answer.
        FloatingPointError: a score is NaN.
    """
    refuse_unsequential(run)
    titles = titles_of(run.config, options.title_field)
    sequences = asked_sequences(run, asked, options.on_unknown, warn or warn_caller)
    if options.exclude_seen:
        _refuse_exhausted(sequences, asked, options.steps)
    scorer = Scorer(run, sequences.known, rolls_out=True)
    found = roll_out(scorer, sequences, options, batch_size(run.config, options))
    return rows_of(run, asked.users, found, titles)


def _refuse_exhausted(sequences: Sequences, asked: Asked, steps: int) -> None:
    """Raises DataError for who has fewer items left than are to be predicted, before any is."""
    store = sequences.store
    most = store.n_items - 1 - steps  # items that a history may hold
    for place, row in zip(asked.places, sequences.picked, strict=True):
        begin, end = store.offsets[row : row + 2]
        if end - begin > most and (known := len(np.unique(store.items[begin:end]))) > most:
            raise DataError(
                f"{place}: {store.n_items - 1 - known} items are left to predict, fewer than the "
                f"{steps} steps; roll out fewer or let seen items in"
            )


def everyone(run: Run) -> Asked:
    """All users of the data set who have taken something, in the order of its files."""
    tokens = run.dataset.field2id_token[run.dataset.uid_field]
    users = tokens[run.dataset.store.lengths > 0].tolist()
    return Asked(users, None, users)


def rows_of(
    run: Run, users: list[str] | None, found: Rollouts, titles: dict[str, str] | None
) -> Continuations:
    """Rollouts of ``users`` (None: of histories) as rows, step after step."""
    n_rows, steps = found.items.shape
    tokens = run.dataset.field2id_token[run.dataset.iid_field][found.items.ravel()]
    return Continuations(
        users=users,
        row=np.repeat(np.arange(n_rows), steps),
        rank=np.tile(np.arange(1, steps + 1), n_rows),
        item=tokens.astype(object),
        score=found.scores.ravel(),
        title=None if titles is None else [titles.get(token) for token in tokens],
    )


def batch_size(config: Any, options: RolloutOptions) -> int:
    """Users at once: as many paths as evaluation ranks rows, if not said otherwise."""
    paths = (options.beam_size or BEAM_SIZE) if options.decode == "beam" else 1
    return int(options.batch_size or max(1, config["eval_batch_size"] // paths))


def refuse_unsequential(run: Run) -> None:
    """Feeding back changes nothing for a model that reads no history."""
    if run.config["MODEL_TYPE"] != ModelType.SEQUENTIAL:
        raise DataError(
            f"model {show(run.config['model'])} reads no history: it cannot continue its own "
            "predictions; generate needs a sequential model"
        )
