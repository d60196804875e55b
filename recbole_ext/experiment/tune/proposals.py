"""Which configuration comes next: at random, or where Optuna expects the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.experiment.tune.plan import Plan
from recbole_ext.experiment.tune.settings import OPTUNA

Past = Mapping[int, tuple[dict[str, Any], float | None]]  # by trial: its values, its best score


class Proposals(Protocol):
    """A source of configurations. Trials are numbered from 0."""

    def ask(self, number: int) -> dict[str, Any] | None:
        """The axes' values of a new trial; None where there is nothing new to try."""

    def tell(self, number: int, score: float | None) -> None:
        """What a trial's validation reached; None where it failed."""


def proposals(plan: Plan, past: Past) -> Proposals:
    """The source that the plan names, knowing of ``past`` trials.

    Raises:
        ConfigError: Optuna is wanted and absent.
    """
    return OptunaSearch(plan, past) if plan.space.sweep.search == OPTUNA else RandomSearch(plan)


class RandomSearch:
    """Independent draws, none twice; a trial's depends on the seed and its number alone."""

    def __init__(self, plan: Plan) -> None:
        self._draws = plan.draws()

    def ask(self, number: int) -> dict[str, Any] | None:
        return self._draws[number] if number < len(self._draws) else None

    def tell(self, number: int, score: float | None) -> None:
        """Nothing is learned from it."""


class OptunaSearch:
    """Tree-structured Parzen estimators (Bergstra et al. 2011), by Optuna."""

    def __init__(self, plan: Plan, past: Past) -> None:
        optuna = import_optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._axes = plan.space.axes
        self._distributions = {name: axis.distribution() for name, axis in self._axes.items()}
        sampler = optuna.samplers.TPESampler(seed=plan.space.sweep.seed + len(past))
        direction = "maximize" if plan.bigger else "minimize"
        self._study = optuna.create_study(sampler=sampler, direction=direction)
        self._open: dict[int, Any] = {}
        for number, (values, score) in sorted(past.items()):
            self._remember(optuna, number, values, score)

    def ask(self, number: int) -> dict[str, Any] | None:
        trial = self._study.ask(self._distributions)
        self._open[number] = trial
        return {name: axis.decode(trial.params[name]) for name, axis in self._axes.items()}

    def tell(self, number: int, score: float | None) -> None:
        if (trial := self._open.pop(number, None)) is None:
            return
        if score is None:
            self._study.tell(trial, state=_states().FAIL)
        else:
            self._study.tell(trial, score)

    def _remember(
        self, optuna: Any, number: int, values: dict[str, Any], score: float | None
    ) -> None:
        """A trial of before the sweep was stopped; one without a score goes on now."""
        try:
            known = {name: axis.encode(values[name]) for name, axis in self._axes.items()}
        except (LookupError, ValueError) as error:
            raise CheckpointError(f"trial {number}: not of this sweep's space ({error})") from error
        if score is None:
            self._study.enqueue_trial(known)
            self._open[number] = self._study.ask(self._distributions)
            return
        make = optuna.trial.create_trial
        self._study.add_trial(make(params=known, distributions=self._distributions, value=score))


def import_optuna() -> Any:
    """The package. Raises ConfigError, with what to install, where it is absent."""
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise ConfigError(
            "search: optuna needs the package optuna, which is not installed: "
            "pip install 'recbole_ext[optuna]'; or take search: random"
        ) from error
    return optuna


def _states() -> Any:
    return import_optuna().trial.TrialState
