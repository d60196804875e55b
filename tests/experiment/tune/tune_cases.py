"""A small sweep, and a stand-in for Ray that runs its trials one after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from recbole_ext.experiment.tune import ray_trials, sweep
from recbole_ext.experiment.tune.folder import Report, SweepFolder, TrialFolder
from recbole_ext.experiment.tune.trial import train_trial

SPACE = {
    "learning_rate": [0.0001, 0.001, 0.01, 0.03],
    "hidden_size": [8, 16],
    "inner_size": {"same_as": "hidden_size"},
    "factor_rank": 4,
    "sweep": {"trials": 4, "max_epochs": 4, "grace": 1, "seed": 3},
}
STOP = "STOP"


def words(ring: Path, place: Path, space: Path, **more: object) -> list[str]:
    """The command of a sweep of FPARec on ``ring`` in the folder ``place``."""
    keys = {
        "model": "FPARec", "dataset": "ring", "space": space, "sweep_dir": place, "workers": 1,
        "data_path": ring, "MAX_ITEM_LIST_LENGTH": 8, "use_gpu": False, "train_batch_size": 32,
        "seed": 7, "epochs": 6, **more,
    }  # fmt: skip
    return ["tune", *(f"--{key}={value}" for key, value in keys.items())]


def write_space(file: Path, **changes: Any) -> Path:
    """Write :data:`SPACE`, changed, to ``file``."""
    file.write_text(yaml.safe_dump({**SPACE, **changes}))
    return file


OnReport = Callable[[TrialFolder, Report], None]


def without_ray(monkeypatch: pytest.MonkeyPatch, on_report: OnReport | None = None) -> None:
    """Run trials in this process, one at a time, under the same scheduler as by Ray.

    ``on_report`` is called with each validation, before the sweep knows of it; it may raise.
    """

    def run_trials(
        plan: Any, folder: SweepFolder, share: Any, next_trial: Any, watcher: Any
    ) -> None:
        asha: Any = ray_trials.scheduler(plan, folder)
        while (trial := next_trial()) is not None:
            known = SimpleNamespace(trial_id=trial.path.name, config={"folder": str(trial.path)})
            asha.on_trial_add(None, known)
            _one(asha, known, trial, watcher, on_report)

    monkeypatch.setattr(ray_trials, "run_trials", run_trials)
    monkeypatch.setattr(sweep, "ray_running", lambda share: nullcontext())


def _one(
    asha: Any, known: Any, trial: TrialFolder, watcher: Any, on_report: OnReport | None
) -> None:
    def report(found: Report) -> None:
        if on_report:
            on_report(trial, found)
        watcher.reported(trial, found)
        result = {"epochs": found.epochs, "score": found.score}
        if asha.on_trial_result(None, known, result) == STOP:
            raise SystemExit

    with suppress(SystemExit):
        train_trial(trial, report)
    watcher.ended(trial)
