"""One trial in a process of its own: train, validate, report; the test items are left alone."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from recbole_ext.experiment.tune.folder import ERROR_FILE, FAILED, FINISHED, Report, TrialFolder
from recbole_ext.training.progress import Validation
from recbole_ext.training.run_folder import CONFIG_FILE


def train_trial(trial: TrialFolder, report: Callable[[Report], None]) -> None:
    """Run or resume a trial to its end and note how it ended.

    Whatever goes wrong is the trial's end, not the sweep's: a configuration may be too large for
    the memory, or diverge. ``report`` may raise SystemExit: the sweep has stopped the trial, and
    notes that itself.
    """
    with trial.locked():
        clock = _Clock(trial)
        try:
            _train(trial, lambda validation: report(clock.take(validation)))
        except Exception as error:
            (trial.path / ERROR_FILE).write_text(traceback.format_exc(), encoding="utf-8")
            trial.end(FAILED, " ".join(str(error).split()) or type(error).__name__)
            return
        reported = bool(trial.history())
        trial.end(FINISHED if reported else FAILED, "" if reported else "it was never validated")


class _Clock:
    """Notes each validation with the seconds that were spent on it."""

    def __init__(self, trial: TrialFolder) -> None:
        self._trial, self._last = trial, time.perf_counter()

    def take(self, validation: Validation) -> Report:
        now = time.perf_counter()
        past = [one.seconds for one in self._trial.history() if one.epochs < validation.epochs]
        seconds = (past[-1] if past else 0.0) + now - self._last
        self._last = now
        report = Report(validation.epochs, validation.score, seconds, validation.metrics)
        self._trial.add(report)
        return report


def _train(trial: TrialFolder, on_validation: Callable[[Validation], None]) -> None:
    from recbole_ext.runner import resume, run

    if (trial.run_dir / CONFIG_FILE).exists():
        resume(trial.run_dir, on_validation=on_validation, test=False)
        return
    shutil.rmtree(trial.run_dir, ignore_errors=True)  # a start that was interrupted at once
    place = {"run_dir": str(Path(trial.run_dir))}
    files = [str(trial.config_file)]
    run(config_file_list=files, config_dict=place, on_validation=on_validation, test=False)
