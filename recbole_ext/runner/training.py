"""Train a model, test its best epoch once; go on where it was interrupted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_ext.config import ExtConfig
from recbole_ext.cores import torch_threads
from recbole_ext.data.loading import load_data
from recbole_ext.errors import CheckpointError
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.runner.assembling import assemble, prepared_data
from recbole_ext.runner.loading import saved_config
from recbole_ext.runner.trained import Run
from recbole_ext.training.doubtful import doubtful_settings
from recbole_ext.training.progress import OnValidation
from recbole_ext.training.results import describe, report, write_ranks
from recbole_ext.training.run_folder import METRICS_FILE, RESUME_FILE, RunFolder
from recbole_ext.training.trial import doubts


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
        CheckpointError: no run folder or a damaged one, or already finished.
        ConfigError: another process trains it.
    """
    folder = RunFolder.open(run_dir)
    if folder.file(METRICS_FILE).exists():
        folder.metrics()  # or are they damaged?
        raise CheckpointError(f"{run_dir} has finished; its results are in {METRICS_FILE}")
    config = saved_config(folder, {} if data_path is None else {"data_path": data_path})
    flat = load_data(config)
    with folder.held(), folder.logging(_log_level(config)), torch_threads(config["torch_threads"]):
        folder.sweep()
        assembled = assemble(config, flat, folder)
        if folder.file(RESUME_FILE).exists():
            assembled.trainer.resume_checkpoint()
        return _train(assembled, on_validation, test)


def _log_level(config: ExtConfig) -> int:
    """RecBole's ``state``: the least that is logged."""
    level: int = logging.getLevelNamesMapping()[config["state"].upper()]
    return level


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
