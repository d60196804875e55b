"""Ray Tune runs the trials of a sweep: it asks for configurations, trains, stops the worse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ray import tune
from ray.tune.search import Searcher

from recbole_ext.experiment.tune.asha import EPOCHS, SCORE, Asha
from recbole_ext.experiment.tune.folder import RAY_DIR, Report, SweepFolder, TrialFolder
from recbole_ext.experiment.tune.machine import Share
from recbole_ext.experiment.tune.plan import Plan
from recbole_ext.experiment.tune.trial import train_trial
from recbole_ext.imports import import_files, imported
from recbole_ext.signals import Interrupt

_FOLDER, _IMPORTS = "folder", "imports"  # a trial's configuration, as Ray sees it


class Watcher(Protocol):
    """Who is told what the trials do."""

    def reported(self, trial: TrialFolder, report: Report) -> None:
        """A validation."""

    def ended(self, trial: TrialFolder) -> None:
        """A trial has ended, by itself or stopped."""

    def died(self, trial: TrialFolder) -> None:
        """Its process is gone, for the second time: it has failed."""


def run_trials(
    plan: Plan,
    folder: SweepFolder,
    share: Share,
    next_trial: Callable[[], TrialFolder | None],
    watcher: Watcher,
) -> None:
    """Train what ``next_trial`` gives until it gives None. Ray is running.

    Args:
        next_trial: the next trial to train, its configuration written; new or interrupted.
    """
    interrupt = Interrupt()
    resources = {"cpu": share.threads, "gpu": share.gpus}
    tuner = tune.Tuner(
        tune.with_resources(_train, resources),
        tune_config=tune.TuneConfig(
            num_samples=-1,  # as many as there are
            search_alg=_Supply(next_trial),
            scheduler=scheduler(plan, folder),
            max_concurrent_trials=share.workers,
            reuse_actors=True,  # a process takes seconds to import torch
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(folder.file(RAY_DIR)),
            failure_config=tune.FailureConfig(max_failures=1),  # of a process; it resumes its trial
            verbose=0,
            callbacks=[_Told(watcher, interrupt)],
        ),
    )
    with interrupt.heard():
        tuner.fit()


def scheduler(plan: Plan, folder: SweepFolder) -> Asha:
    """The scheduler of a sweep, measuring by what the folder's trials have reported."""
    asha = Asha(plan.space.sweep, plan.bigger, lambda trial: _folder(trial).history())
    for past in folder.trials():
        if past.has_ended:
            asha.remember(past.path.name, past.history())
    return asha


def _train(config: dict[str, Any]) -> None:
    """What a worker runs."""
    import_files(config[_IMPORTS])
    train_trial(TrialFolder(Path(config[_FOLDER])), _report)


def _report(report: Report) -> None:
    tune.report({EPOCHS: report.epochs, SCORE: report.score, "seconds": report.seconds})


def _folder(trial: Any) -> TrialFolder:
    return TrialFolder(Path(trial.config[_FOLDER]))


class _Unsaved:
    """Tune pickles what it is given, to restore it some day; we never do."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Supply(_Unsaved, Searcher):
    """Ray's search algorithm, which only hands on what it is given."""

    def __init__(self, next_trial: Callable[[], TrialFolder | None]) -> None:
        super().__init__()
        self._next_trial = next_trial

    def suggest(self, trial_id: str) -> Any:
        trial = self._next_trial()
        if trial is None:
            return Searcher.FINISHED
        return {_FOLDER: str(trial.path), _IMPORTS: list(imported())}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Told by the watcher."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a sweep resumes from its own folders."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, for the same reason."""

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing."""


class _Told(_Unsaved, tune.Callback):
    """Passes Ray's events on."""

    def __init__(self, watcher: Watcher, interrupt: Interrupt) -> None:
        self._watcher, self._interrupt = watcher, interrupt

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._interrupt.raise_lost()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if EPOCHS in result:
            report = Report(result[EPOCHS], result[SCORE], result["seconds"], {})
            self._watcher.reported(_folder(trial), report)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._watcher.ended(_folder(trial))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._watcher.died(_folder(trial))
