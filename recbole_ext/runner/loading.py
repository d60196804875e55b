"""From a run folder back to its model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_ext.config import ExtConfig
from recbole_ext.config.saved import SavedConfig
from recbole_ext.data.loading import load_data
from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.registry import known_names, unknown_model
from recbole_ext.runner.assembling import assemble
from recbole_ext.runner.trained import Run
from recbole_ext.training import checkpoint
from recbole_ext.training.randomness import undisturbed
from recbole_ext.training.run_folder import CONFIG_FILE, METRICS_FILE, MODEL_FILE, RunFolder


def load(
    run_dir: str | Path, config_dict: dict[str, Any] | None = None, cli_args: Sequence[str] = ()
) -> Run:
    """The model of a run, with its data set, as it scored when the run ended.

    The caller's random numbers go on as if nothing had been loaded.

    Args:
        config_dict, cli_args: as of :func:`run`, for what changes neither the weights nor the data
            (``recbole_ext.config.keys.GIVEN_ANEW``): another place of the same data, a device,
            other metrics. ``metrics`` of the run stay those that it ended with.

    Raises:
        CheckpointError: no run folder, no or a damaged model, or the data set has changed.
        ConfigError: a key that a trained model cannot be given anew, or a wrong value.
    """
    folder = RunFolder.open(run_dir)
    tensors, state = checkpoint.read(folder.file(MODEL_FILE))
    config = saved_config(folder, config_dict, cli_args)
    flat = load_data(config)
    metrics = folder.metrics() if folder.file(METRICS_FILE).exists() else {}
    by_token, by_order = flat.sha256(), flat.store.sha256()
    trained_on = metrics.get("data", {}).get("sha256", by_order)
    if state.get("data", by_token) != by_token or trained_on != by_order:
        raise CheckpointError(
            f"{run_dir}: data set '{config['dataset']}' has changed since this run was trained"
        )
    if issubclass(config.model_class, NextItemRecommender):
        config.model_class.hand_over(checkpoint.saved_state(tensors), flat)
    with undisturbed():
        loaded = assemble(config, flat, folder)
    loaded.metrics = metrics
    checkpoint.restore_model(loaded.model, tensors, folder.file(MODEL_FILE))
    loaded.model.eval()
    return loaded


def saved_config(
    folder: RunFolder, config_dict: dict[str, Any] | None = None, cli_args: Sequence[str] = ()
) -> ExtConfig:
    """The settings of a run, some given anew. Raises ConfigError for a model unknown here."""
    model = folder.config().get("model")
    if isinstance(model, str) and model not in known_names():
        raise ConfigError(
            f"{folder.path}: {unknown_model(model, CONFIG_FILE)}; if the class is yours, name its "
            "file by --import=FILE.py, or import it first"
        )
    return SavedConfig(folder.file(CONFIG_FILE), config_dict, cli_args)
