"""Which of RecBole's models the trainer can train."""

from __future__ import annotations

from recbole.trainer import Trainer
from recbole.trainer.trainer import TraditionalTrainer
from recbole.utils import get_trainer

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.model.base import NextItemRecommender

# RecBole's models that cannot do with batches alone, and what they look up besides.
NEED_THE_TABLE = {
    "DIEN": "negative items beside every row of RecBole's augmented table",
    "FEARec": "RecBole's augmented table, for other rows of the same target",
}


def check_trainer(config: ExtConfig) -> None:
    """Raises ConfigError for RecBole's models with a training loop or a data set of their own."""
    if issubclass(config.model_class, NextItemRecommender):
        return
    if config["model"] in NEED_THE_TABLE:
        raise ConfigError(
            f"model = '{config['model']}': it reads {NEED_THE_TABLE[config['model']]}, which is "
            "not made here: rows are gathered batch by batch"
        )
    wanted = get_trainer(config["MODEL_TYPE"], config["model"])
    if wanted not in (Trainer, TraditionalTrainer):
        raise ConfigError(
            f"model = '{config['model']}': RecBole trains it by {wanted.__name__}, a loop of its "
            "own; models of RecBole's plain Trainer and TraditionalTrainer run here"
        )
