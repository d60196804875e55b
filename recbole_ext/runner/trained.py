"""A trained model with what belongs to it, and what it is good for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from recbole_ext.config import ExtConfig
from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import ConfigError, show
from recbole_ext.evaluation.evaluator import Evaluation
from recbole_ext.inference.asked import Options, asked
from recbole_ext.inference.generation.generate import Continuations, everyone, generate
from recbole_ext.inference.generation.options import rollout_options
from recbole_ext.inference.recommend import recommend
from recbole_ext.inference.results import Recommendations
from recbole_ext.training.trainer import SequenceTrainer


@dataclass
class Run:
    """A trained model with what belongs to it.

    Attributes:
        run_dir: its folder.
        config, dataset, loaders, model, trainer: the parts, ready to use.
        metrics: what ``metrics.json`` holds; empty for a run that has not finished.
    """

    run_dir: Path
    config: ExtConfig
    dataset: FlatOrder
    loaders: Loaders
    model: nn.Module
    trainer: SequenceTrainer
    metrics: dict[str, Any]

    def evaluate(self, part: str = "test") -> Evaluation:
        """Rank the held-out items of ``valid`` or ``test`` with the model as it is.

        Raises:
            ConfigError: another part, or nobody has a validation item.
        """
        if part not in ("valid", "test"):
            raise ConfigError(f"evaluate: {show(part)} must be 'valid' or 'test'")
        loader = getattr(self.loaders, part)
        if not len(loader.rows):  # of the test: such data are refused before
            raise ConfigError(
                f"evaluate: {show(part)}: no user of {self.config['dataset']} has a validation "
                f"item (split_protocol: {show(self.config['split_protocol'])})"
            )
        return self.trainer.rank(loader)

    def recommend(
        self,
        whom: Any = None,
        k: int = 10,
        exclude_seen: bool = True,
        *,
        users: Any = None,
        histories: Any = None,
        on_unknown: str = "error",
        title_field: str | None = None,
        batch_size: int | None = None,
        max_exposure: float | None = None,
    ) -> Recommendations:
        """The ``k`` items that come next for each user or history.

        Args:
            whom: user tokens (``["u1", "u2"]``) or histories, oldest item first
                (``[["i1", "i2"], ["i3"]]``); or say which by ``users`` or ``histories``. A known
                user is continued from everything known of him, held-out items included.
            exclude_seen, on_unknown, title_field, batch_size, max_exposure: see
                :class:`recbole_ext.inference.asked.Options`.

        Raises:
            ConfigError, DataError: one clear line: an unknown user or item, an empty history.
        """
        options = Options(k, exclude_seen, on_unknown, title_field, batch_size, max_exposure)
        return recommend(self, asked(whom, users, histories), options)

    def generate(
        self,
        whom: Any = None,
        steps: int = 10,
        decode: str = "greedy",
        *,
        users: Any = None,
        histories: Any = None,
        **how: Any,
    ) -> Continuations:
        """The next ``steps`` items of each user or history, each prediction fed back as history.

        Args:
            whom, users, histories: as of :meth:`recommend`; nobody named: all users.
            decode: ``greedy``, ``sample`` or ``beam``.
            how: ``temperature``, ``top_k``, ``beam_size``, ``seed``, ``exclude_seen`` (here false
                if not given), ``on_unknown``, ``title_field`` and ``batch_size``, see
                :class:`recbole_ext.inference.generation.options.RolloutOptions`.

        Raises:
            ConfigError, DataError: one clear line: an option that cannot be used, an unknown user
                or item, an empty history, a model that reads no history, or no item left to
                predict with ``exclude_seen``.
        """
        options = rollout_options(steps=steps, decode=decode, **how)
        nobody = whom is None and users is None and histories is None
        wanted = everyone(self) if nobody else asked(whom, users, histories)
        return generate(self, wanted, options)
