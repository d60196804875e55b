"""From names to a finished run folder, and back.

The module is not called run: importing it would replace ``recbole_ext.run``, the function.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole.trainer.trainer import TraditionalTrainer
from recbole.utils import get_trainer, init_seed
from torch import nn

from recbole_ext.config import ExtConfig
from recbole_ext.config.saved import SavedConfig
from recbole_ext.cores import torch_threads
from recbole_ext.data.dataset import FlatOrder
from recbole_ext.data.item_inputs import read_item_inputs
from recbole_ext.data.loaders import Loaders, build_loaders, split_of
from recbole_ext.data.loading import load_data
from recbole_ext.errors import CheckpointError, ConfigError, UserError, show
from recbole_ext.evaluation.evaluator import Evaluation
from recbole_ext.inference.asked import Options, asked
from recbole_ext.inference.generation.generate import Continuations, everyone, generate
from recbole_ext.inference.generation.options import rollout_options
from recbole_ext.inference.recommend import recommend
from recbole_ext.inference.results import Recommendations
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.registry import known_names, unknown_model
from recbole_ext.training import checkpoint
from recbole_ext.training.doubtful import doubtful_settings
from recbole_ext.training.progress import OnValidation
from recbole_ext.training.randomness import undisturbed
from recbole_ext.training.results import describe, report, write_ranks
from recbole_ext.training.run_folder import (
    CONFIG_FILE,
    METRICS_FILE,
    MODEL_FILE,
    RESUME_FILE,
    RunFolder,
)
from recbole_ext.training.supported import check_trainer, refuse_unknown_context
from recbole_ext.training.trainer import SequenceTrainer
from recbole_ext.training.trial import doubts


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


def run(
    model: str | None = None,
    dataset: str | None = None,
    config_file_list: str | Path | Sequence[str | Path] | None = None,
    config_dict: dict[str, Any] | None = None,
    cli_args: Sequence[str] = (),
    *,
    on_validation: OnValidation | None = None,
    test: bool = True,
) -> Run:
    """Train one model on one data set, test the best epoch once, leave a run folder.

    One at a time: random numbers and the log are the process's, so two threads that train would
    give other results than one.

    Args:
        model: a name of :func:`recbole_ext.list_models`, or a model class.
        dataset: name of the data set, a folder of atomic files under ``data_path``.
        config_file_list, config_dict, cli_args: as RecBole's, in rising precedence; ``cli_args``
            are ``--key=value`` strings.
        on_validation: called after each validation, when a :func:`resume` would go on behind it.
        test: false leaves the test items alone and the run unfinished, without ``metrics.json``:
            :func:`resume` would test it.

    Raises:
        ConfigError, DataError: one clear line; nothing has been written then.
    """
    config = ExtConfig(model, dataset, config_file_list, config_dict, list(cli_args))
    flat = prepared_data(config)
    folder = RunFolder.create(
        config["model"], config["dataset"], config["checkpoint_dir"], config["run_dir"]
    )
    folder.begin(config.snapshot_yaml())
    with folder.held(), folder.logging(_log_level(config)), torch_threads(config["torch_threads"]):
        try:
            return _train(assemble(config, flat, folder), on_validation, test)
        except Exception as error:
            names_it = isinstance(error, CheckpointError | OSError)  # a full disk: go on with it
            if not names_it and not folder.file(RESUME_FILE).exists():
                folder.remove()  # no epoch has ended: nothing can go on
            raise


def resume(
    run_dir: str | Path,
    *,
    on_validation: OnValidation | None = None,
    test: bool = True,
    data_path: str | Path | None = None,
) -> Run:
    """Go on with an interrupted run to the result of the uninterrupted one.

    Args:
        data_path: where the data sets' folders lie now, if they have moved; ``config.yaml`` stays.
        on_validation, test: as for :func:`run`.

    Raises:
        CheckpointError: no run folder, already finished, or nothing to resume from.
        ConfigError: another process trains it.
    """
    folder = RunFolder.open(run_dir)
    if folder.file(METRICS_FILE).exists():
        raise CheckpointError(f"{run_dir} has finished; its results are in {METRICS_FILE}")
    config = _saved_config(folder, {} if data_path is None else {"data_path": data_path})
    flat = load_data(config)
    with folder.held(), folder.logging(_log_level(config)), torch_threads(config["torch_threads"]):
        folder.sweep()
        assembled = assemble(config, flat, folder)
        if folder.file(RESUME_FILE).exists():
            assembled.trainer.resume_checkpoint()
        return _train(assembled, on_validation, test)


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
    config = _saved_config(folder, config_dict, cli_args)
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


def prepared_data(config: ExtConfig) -> FlatOrder:
    """The data of a run; raises whatever would end it before it leaves a folder behind."""
    check_trainer(config)
    flat = load_data(config)
    refuse_unknown_context(config, flat)
    split_of(config, flat)  # can they be split?
    read_item_inputs(config, flat)  # can features and vectors of items be used?
    return flat


def _log_level(config: ExtConfig) -> int:
    """RecBole's ``state``: the least that is logged."""
    level: int = logging.getLevelNamesMapping()[config["state"].upper()]
    return level


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


def _train(assembled: Run, on_validation: OnValidation | None, test: bool) -> Run:
    """Fit; then test the best epoch once and write the results, if ``test``."""
    log = assembled.trainer.logger
    log.info("run folder %s", assembled.run_dir)
    log.info("%s", describe(assembled))
    for line in doubtful_settings(assembled.config):
        log.warning("%s", line)
    trainer, loaders = assembled.trainer, assembled.loaders
    if trainer.progress.epoch >= 0:
        log.info("resumed after %s", trainer.progress.told(trainer.metric))
    elif isinstance(assembled.model, NextItemRecommender):
        everywhere = assembled.config["train_objective"] == "all_positions"
        for line in doubts(assembled.model, assembled.dataset.store, loaders.split, everywhere):
            log.warning("%s", line)
    trainer.on_validation = on_validation
    try:
        trainer.fit(loaders.train, loaders.valid)
        if test:
            _finish(assembled)
    finally:
        trainer.tensorboard.close()
    return assembled


def _finish(assembled: Run) -> None:
    """Test the best epoch once, write the results."""
    test = assembled.trainer.rank_with_best(assembled.loaders.test)
    folder = RunFolder(assembled.run_dir)
    write_ranks(assembled, test, folder)
    assembled.metrics = report(assembled, test.flat())
    folder.write_json(METRICS_FILE, assembled.metrics)  # last: it says that the run has finished


def _saved_config(
    folder: RunFolder, config_dict: dict[str, Any] | None = None, cli_args: Sequence[str] = ()
) -> ExtConfig:
    model = folder.config().get("model")
    if isinstance(model, str) and model not in known_names():
        raise ConfigError(
            f"{folder.path}: {unknown_model(model, CONFIG_FILE)}; if the class is yours, name its "
            "file by --import=FILE.py, or import it first"
        )
    return SavedConfig(folder.file(CONFIG_FILE), config_dict, cli_args)
