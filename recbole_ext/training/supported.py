"""Which of RecBole's models the trainer can train."""

from __future__ import annotations

from recbole.data.dataset import Dataset
from recbole.trainer import Trainer
from recbole.trainer.trainer import TraditionalTrainer
from recbole.utils import FeatureSource, FeatureType, InputType, ModelType, get_trainer

from recbole_ext.config import ExtConfig
from recbole_ext.data.item_columns import absent_column
from recbole_ext.errors import ConfigError, show
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.stock import recbole_models, why_not_run

# RecBole's models that read labels, context-aware ones aside.
READ_LABELS = {"DIN", "DIEN", "DMF", "FISM", "NAIS", "NeuMF", "NNCF"}
# RecBole's models that read the item columns of selected_features.
_READ_FEATURES = {"FDSA", "GRU4RecF", "SASRecF"}
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
    return config["MODEL_TYPE"] == ModelType.CONTEXT or bool(_ancestry(config) & READ_LABELS)


def _ancestry(config: ExtConfig) -> set[str]:
    return {ancestor.__name__ for ancestor in config.model_class.__mro__}


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


def refuse_unread_features(config: ExtConfig, dataset: Dataset) -> None:
    """Raises ConfigError for a column of ``selected_features`` that the model cannot embed.

    RecBole passes over such a column, and its layers are then too wide for what is left.
    """
    if not _ancestry(config) & _READ_FEATURES:
        return
    key = f"selected_features (from {config.origin('selected_features')})"
    table = dataset.item_feat
    loaded = [] if table is None else list(table.columns)
    for name in config["selected_features"] or ():
        if name not in loaded:
            raise ConfigError(absent_column(key, dataset.dataset_name, name, loaded))
        if why := _why_unread(config, name, dataset.field2type[name]):
            raise ConfigError(f"{key} has the column {show(name)}{why}")


def _why_unread(config: ExtConfig, name: str, kind: FeatureType) -> str | None:
    if kind not in (FeatureType.FLOAT, FeatureType.FLOAT_SEQ):
        return None
    if kind == FeatureType.FLOAT_SEQ and "SASRecF" in _ancestry(config):
        return ", a list of numbers an item, which SASRecF cannot read; leave it out"
    if name in config["numerical_features"]:
        return None
    listed = ", ".join([*config["numerical_features"], name])
    return f" of numbers, which is read only beside numerical_features: [{listed}]"
