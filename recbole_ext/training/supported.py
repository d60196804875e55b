"""Which of RecBole's models the trainer can train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recbole.data.dataset import Dataset
from recbole.trainer import Trainer
from recbole.trainer.trainer import TraditionalTrainer
from recbole.utils import FeatureSource, FeatureType, InputType, ModelType, get_trainer

from recbole_ext.config import ExtConfig
from recbole_ext.config.keys import SEEN_MASKED
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
# RecBole's models that read labels, context-aware ones aside.
READ_LABELS = {"DIN", "DIEN", "DMF", "FISM", "NAIS", "NeuMF", "NNCF"}
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
    _check_negatives(config)


def _check_negatives(config: ExtConfig) -> None:
    """A sequential model may have a loss of its own; its loss_type has been checked."""
    if config["train_neg_sample_args"]["distribution"] != "none":
        return
    general = config["MODEL_TYPE"] != ModelType.SEQUENTIAL
    if general and config["MODEL_INPUT_TYPE"] == InputType.PAIRWISE:
        needs = "pairs of an item taken and a negative"
    elif _reads_labels(config) and not _labelled(config):
        needs = "labels: of negatives, of threshold or of a column that load_col loads"
    else:
        return
    raise ConfigError(
        f"train_neg_sample_args: null (from {config.origin('train_neg_sample_args')}): "
        f"{config['model']} learns from {needs}; give {{distribution: uniform, sample_num: 1}}"
    )


def _reads_labels(config: ExtConfig) -> bool:
    """Whether a model's loss does; that its input is pointwise does not tell."""
    names = {ancestor.__name__ for ancestor in config.model_class.__mro__}
    return config["MODEL_TYPE"] == ModelType.CONTEXT or bool(names & READ_LABELS)


def _labelled(config: ExtConfig) -> bool:
    """Whether a label is made of a column, or may be one."""
    columns = (config["load_col"] or {"inter": "*"}).get("inter", ())
    return bool(config["threshold"]) or columns == "*" or config["LABEL_FIELD"] in columns


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
    """A line for each key that changes nothing here or may be misspelt, and for a protocol that is
    not RecBole's.
    """
    yield from _idle_settings(config)
    if config["MODEL_TYPE"] != ModelType.SEQUENTIAL:
        yield from _kept_candidates(config)
    for key, other in look_alikes(config.lineage):
        yield f"{key} is a new key of {config['model']}'s own YAML; is {other} meant?"


def _kept_candidates(config: ExtConfig) -> Iterator[str]:
    """RecBole's other kinds of models are stopped and tested with the seen items left out."""
    metric = config["valid_metric"]
    if not metric.endswith(SEEN_MASKED):
        yield (
            f"RecBole masks seen items for {config['model']}: its figures are those of 'seen "
            f"masked'; stopped by {metric} (seen kept), by valid_metric: {metric}{SEEN_MASKED} as "
            "in RecBole"
        )


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
