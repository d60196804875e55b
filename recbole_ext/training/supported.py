"""Which of RecBole's models the trainer can train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recbole.data.dataset import Dataset
from recbole.trainer import Trainer
from recbole.trainer.trainer import TraditionalTrainer
from recbole.utils import FeatureSource, FeatureType, ModelType, get_trainer

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError, show
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.stock import NEED_THE_TABLE

# Keys of RecBole's that every model takes and that change nothing here: the value that says
# nothing, and why.
IDLE: dict[str, tuple[Any, str]] = {
    "enable_scaler": (False, "bfloat16 has float32's range"),
    "loss_decimal_place": (4, "losses are logged with four decimals"),
    "metric_decimal_place": (4, "metrics are kept in full precision"),
    "worker": (0, "batches are gathered in the training process"),
}
# What says how the full cross-entropy is computed, with the value that says nothing.
OF_THE_FULL_LOSS: dict[str, Any] = {"loss_precision": "auto", "loss_chunk_size": None}


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


def refuse_unknown_context(config: ExtConfig, dataset: Dataset) -> None:
    """Raises ConfigError for a context-aware model that would read columns of interactions.

    All items are ranked for a user, and an interaction that has not happened has no such columns.
    """
    if config["MODEL_TYPE"] != ModelType.CONTEXT:
        return
    for name in dataset.fields(source=[FeatureSource.INTERACTION]):
        kind = dataset.field2type[name]
        read = kind in (FeatureType.TOKEN, FeatureType.TOKEN_SEQ)
        if (read or name in config["numerical_features"]) and name != config["LABEL_FIELD"]:
            raise ConfigError(
                f"model = '{config['model']}': it would read the column {show(name)} of the "
                "interactions, which an item not yet taken does not have; leave it out of load_col "
                "and numerical_features"
            )


def idle_settings(config: ExtConfig) -> Iterator[str]:
    """A line for each key that was given a value and changes nothing here."""
    own = issubclass(config.model_class, NextItemRecommender)
    for key, (usual, why) in IDLE.items():
        if config[key] != usual and (own or key != "worker"):  # RecBole's own loaders have workers
            yield _idle(config, key, why)
    if own and config["loss_type"] in (None, "CE"):
        return
    why = f"loss_type is {config['loss_type']}" if own else "RecBole's models compute their loss"
    for key, usual in OF_THE_FULL_LOSS.items():
        if config[key] not in (usual, None):
            yield _idle(config, key, why)


def _idle(config: ExtConfig, key: str, why: str) -> str:
    return f"{key} = {config[key]} has no effect here: {why}"
