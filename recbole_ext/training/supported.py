"""Which of RecBole's models the trainer can train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recbole.data.dataset import Dataset
from recbole.trainer import Trainer
from recbole.trainer.trainer import TraditionalTrainer
from recbole.utils import FeatureSource, FeatureType, InputType, ModelType, get_trainer

from recbole_ext.config import ExtConfig
from recbole_ext.config.known import look_alikes
from recbole_ext.errors import ConfigError, show
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.stock import recbole_models, why_not_run

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

_RUN_HERE = "models of RecBole's plain Trainer and TraditionalTrainer run here"


def check_trainer(config: ExtConfig) -> None:
    """Raises ConfigError for RecBole's models with a training loop or a data set of their own."""
    if issubclass(config.model_class, NextItemRecommender):
        return
    reason = why_not_run(config["model"]) if config["model"] in recbole_models() else None
    if reason:
        raise ConfigError(f"model = '{config['model']}': {reason}; {_RUN_HERE}")
    wanted = get_trainer(config["MODEL_TYPE"], config["model"])
    if wanted not in (Trainer, TraditionalTrainer):
        raise ConfigError(
            f"model = '{config['model']}': RecBole trains it by {wanted.__name__}, a loop of its "
            f"own; {_RUN_HERE}"
        )
    # A sequential model may have a loss of its own; those by pairs are checked by their loss_type.
    general = config["MODEL_TYPE"] != ModelType.SEQUENTIAL
    pairs = config["MODEL_INPUT_TYPE"] == InputType.PAIRWISE
    if general and pairs and config["train_neg_sample_args"]["distribution"] == "none":
        raise ConfigError(
            f"train_neg_sample_args: null (from {config.origin('train_neg_sample_args')}): "
            f"{config['model']} learns from pairs of an item taken and a negative; give "
            "{distribution: uniform, sample_num: 1}"
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


def doubtful_settings(config: ExtConfig) -> Iterator[str]:
    """A line for each key that changes nothing here, and for each that may be misspelt."""
    yield from _idle_settings(config)
    for key, other in look_alikes(config.lineage):
        yield f"{key} is a new key of {config['model']}'s own YAML; is {other} meant?"


def _idle_settings(config: ExtConfig) -> Iterator[str]:
    """Of the keys that were given a value."""
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
