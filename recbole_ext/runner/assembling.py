"""From settings to data, model and trainer, not yet trained."""

from __future__ import annotations

from typing import Any

from recbole.trainer.trainer import TraditionalTrainer
from recbole.utils import get_trainer, init_seed
from torch import nn

from recbole_ext.config import ExtConfig
from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.item_inputs import read_item_inputs
from recbole_ext.data.loaders import Loaders, build_loaders, split_of
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError, UserError
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.runner.trained import Run
from recbole_ext.training.run_folder import RunFolder
from recbole_ext.training.supported import (
    check_trainer,
    refuse_unknown_context,
    refuse_unread_features,
)
from recbole_ext.training.trainer import SequenceTrainer


def prepared_data(config: ExtConfig) -> FlatOrder:
    """The data of a run; raises whatever would end it before it leaves a folder behind."""
    check_trainer(config)
    flat = load_data(config)
    refuse_unknown_context(config, flat)
    refuse_unread_features(config, flat)
    split_of(config, flat)  # can they be split?
    read_item_inputs(config, flat)  # can features and vectors of items be used?
    return flat


def assemble(config: ExtConfig, flat: FlatOrder, folder: RunFolder) -> Run:
    """Loaders, model and trainer, in the order that fixes the random numbers; not yet trained."""
    init_seed(config["seed"], config["reproducibility"])
    own = issubclass(config.model_class, NextItemRecommender)
    loaders = build_loaders(config, flat, own)
    source = flat.for_training(loaders.split) if own else loaders.train._dataset
    model = _model(config, source, own).to(config["device"])
    trainer = _trainer(config, model, folder, loaders)
    trainer.data_sha256 = flat.sha256()
    return Run(folder.path, config, flat, loaders, model, trainer, {})


def _model(config: ExtConfig, dataset: Any, own: bool) -> nn.Module:
    """Raises ConfigError where a model of RecBole's finds that data or settings lack something."""
    try:
        made: nn.Module = config.model_class(config, dataset)
    except Exception as error:
        stock = config.model_class.__module__.startswith(("recbole.", "recbole_ext."))
        if own or not stock or isinstance(error, UserError):
            raise  # a fault in a class of the user's own wants its traceback
        raise ConfigError(
            f"RecBole's {config['model']} cannot be built with these settings on "
            f"{config['dataset']}: {type(error).__name__}: {error}"
        ) from error
    return made


def _trainer(
    config: ExtConfig, model: nn.Module, folder: RunFolder, loaders: Loaders
) -> SequenceTrainer:
    trainer = SequenceTrainer(config, model, folder, loaders.split)
    if get_trainer(config["MODEL_TYPE"], config["model"]) is TraditionalTrainer:
        trainer.epochs = 1  # such a model counts its data once
    return trainer
