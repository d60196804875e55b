"""From a space to the run of its best configuration; and on from where a sweep was stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.config import ExtConfig
from recbole_ext.config.yaml_dialect import dump
from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.experiment.ray_start import ray_running
from recbole_ext.experiment.tune.folder import (
    BEST_FILE,
    FAILED,
    FINAL_DIR,
    FINISHED,
    SPACE_FILE,
    STOPPED,
    Report,
    SweepFolder,
    TrialFolder,
)
from recbole_ext.experiment.tune.machine import Share, joined, share
from recbole_ext.experiment.tune.plan import Asked, Plan, extended, plan, reopen
from recbole_ext.experiment.tune.proposals import Proposals, import_optuna, proposals
from recbole_ext.experiment.tune.screen import Screen, screen
from recbole_ext.experiment.tune.settings import OPTUNA
from recbole_ext.experiment.tune.space import default_file, read_space
from recbole_ext.experiment.tune.state import State, read_state
from recbole_ext.training.run_folder import CONFIG_FILE, METRICS_FILE

if TYPE_CHECKING:
    from recbole_ext.runner import Run


@dataclass
class Sweep:
    """A sweep, begun or taken up again.

    Attributes:
        plan: what it does.
        folder: where all of it lies.
        state: what its trials have reached.
    """

    plan: Plan
    folder: SweepFolder
    state: State

    def search(self, workers: int | None = None, threads: int | None = None) -> None:
        """Run the trials that have not ended and write ``best.yaml``.

        Args:
            workers: trials at once; None: what the machine has room for.
            threads: CPU threads of each; None: the machine's by ``workers``.

        Raises:
            ConfigError: another process runs this sweep, or no trial ended with a validation.
        """
        use_gpu = _first_config(self.plan)["use_gpu"]
        divided = share(workers, threads, use_gpu)
        with self.folder.locked():
            self.folder.write_text(SPACE_FILE, dump(self.plan.as_space_file()))  # more trials?
            self.folder.drop_ray_files()
            if not self.complete():
                self._run(divided, use_gpu)
            self._write_best()

    def rerun(self) -> Run:
        """Train the best configuration in full, test it once: an ordinary run in ``final``."""
        from recbole_ext.runner import load, resume, run

        final = self.folder.file(FINAL_DIR)
        if (final / METRICS_FILE).exists():
            return load(final)  # of fewer trials, whose best is still the best
        if (final / CONFIG_FILE).exists():
            return resume(final)
        shutil.rmtree(final, ignore_errors=True)  # a start that was interrupted at once
        best = str(self.folder.file(BEST_FILE))
        return run(config_file_list=[best], config_dict={"run_dir": str(final)})

    def complete(self) -> bool:
        """Whether all trials have ended."""
        trials = self.folder.trials()
        return len(trials) >= self.plan.trials and all(trial.has_ended for trial in trials)

    def _run(self, divided: Share, use_gpu: bool) -> None:
        from recbole_ext.experiment.tune.ray_trials import run_trials

        conductor = _Conductor(self, divided.threads)
        with ray_running(divided.cpus):
            try:
                share_here = joined(divided, use_gpu)
                run_trials(self.plan, self.folder, share_here, conductor.next_trial, conductor)
            finally:
                conductor.screen.close()
                self.folder.write_table(self.state.rows())
        self.folder.drop_ray_files()

    def _write_best(self) -> None:
        self.folder.write_table(self.state.rows())
        best = self.state.best()
        if best is None:
            reasons = [trial.reason for trial in self.state.trials.values() if trial.reason]
            why = f"; the first failed: {reasons[0]}" if reasons else ""
            raise ConfigError(f"{self.folder.path}: no trial ended with a validation{why}")
        self.folder.write_best(dump(self.plan.final_config(best.values)))


class _Conductor:
    """Hands out trials and notes what becomes of them."""

    def __init__(self, sweep: Sweep, threads: int) -> None:
        self._plan, self._folder, self._state = sweep.plan, sweep.folder, sweep.state
        self._threads = threads
        failed = [one.values for one in sweep.state.trials.values() if one.status == FAILED]
        self._proposals: Proposals = proposals(self._plan, _past(sweep), failed)
        self._left = self._unfinished()
        self.screen: Screen = screen(self._state)

    def next_trial(self) -> TrialFolder | None:
        """An interrupted trial, then new ones."""
        return next(self._left, None)

    def reported(self, trial: TrialFolder, report: Report) -> None:
        self.screen.report(self._state.reported(trial.number, report))

    def ended(self, trial: TrialFolder) -> None:
        if not trial.has_ended:
            whole = trial.history()[-1].epochs >= self._plan.space.sweep.max_epochs
            trial.end(FINISHED if whole else STOPPED)
        self._note(trial)

    def died(self, trial: TrialFolder) -> None:
        if not trial.has_ended:
            trial.end(FAILED, "its process died twice; was the memory enough?")
        self._note(trial)

    def _note(self, trial: TrialFolder) -> None:
        known = self._state.read(trial)
        self._proposals.tell(trial.number, None if known.status == FAILED else known.best)
        self._folder.write_table(self._state.rows())
        self.screen.end(known)

    def _unfinished(self) -> Iterator[TrialFolder]:
        begun = self._folder.trials()
        yield from (trial for trial in begun if not trial.has_ended)
        for number in range(self._plan.trials):
            if self._folder.trial(number).config_file.exists():
                continue
            if (drawn := self._proposals.ask(number)) is None:
                return
            trial = self._folder.trial(number)
            trial.begin(self._plan.trial_config(drawn, self._threads))
            self._state.read(trial)
            yield trial


def begin(
    asked: Asked,
    space: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    sweep_dir: str | None = None,
) -> Sweep:
    """Check everything, read the data once, and make the folder of a new sweep.

    Args:
        asked: the model, the data set, and what else is set for all trials.
        space: a space file; None: the model's in properties/tune.
        settings: overrides parts of the file's ``sweep:``.
        sweep_dir: the folder; None: a new one under ``checkpoint_dir``/tune.

    Raises:
        ConfigError, DataError: one clear line; nothing has been written then.
    """
    if space is None and asked.model is None:
        raise ConfigError("no model given: add --model=NAME, or --space=FILE that names one")
    file = default_file(str(asked.model)) if space is None else Path(space)
    made = plan(asked, read_space(file, settings))
    if made.space.sweep.search == OPTUNA:
        import_optuna()
    _check_data(made)
    folder = SweepFolder.create(made.parent, made.model, made.dataset, sweep_dir)
    folder.write_text(SPACE_FILE, dump(made.as_space_file()))
    return Sweep(made, folder, State(made))


def take_up(sweep_dir: str | Path, trials: int | None = None) -> Sweep:
    """A sweep that was stopped, or with more ``trials`` one that had finished.

    Raises:
        CheckpointError: no folder of a sweep, a damaged one, or one that has finished.
        ConfigError: no more trials than it had.
    """
    folder = SweepFolder.open(sweep_dir)
    made = reopen(read_space(folder.file(SPACE_FILE)), folder.path.parent)
    if trials is not None:
        made = extended(made, trials)
    sweep = Sweep(made, folder, read_state(made, folder))
    if sweep.complete() and folder.file(f"{FINAL_DIR}/{METRICS_FILE}").exists():
        raise CheckpointError(
            f"{sweep_dir} has finished; its best run is in {FINAL_DIR} (--trials adds more)"
        )
    return sweep


def _past(sweep: Sweep) -> dict[int, tuple[dict[str, Any], float | None]]:
    """The trials that the search learns from, and those that go on; not those that failed."""
    ended = {trial.number: trial.has_ended for trial in sweep.folder.trials()}
    return {
        number: (dict(trial.values), trial.best if ended[number] else None)
        for number, trial in sweep.state.trials.items()
        if trial.status != FAILED
    }


def _first_config(made: Plan) -> ExtConfig:
    values = made.trial_config(next(made.space.probes()), threads=1)
    return ExtConfig(values.pop("model"), values.pop("dataset"), config_dict=values)


def _check_data(made: Plan) -> None:
    """Raises what a trial would raise, before there are any."""
    from recbole_ext.runner import prepared_data

    prepared_data(_first_config(made))
