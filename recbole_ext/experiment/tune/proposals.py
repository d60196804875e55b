"""Which configuration comes next: at random, or where Optuna expects the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from recbole_ext.config.yaml_dialect import dump
from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.experiment.tune.plan import Plan
from recbole_ext.experiment.tune.settings import OPTUNA

_REPEATS = 20  # proposals in a row that were all known: then a new one is drawn at random
Past = Mapping[int, tuple[dict[str, Any], float | None]]  # by trial: its values, its best score


class Proposals(Protocol):
    """A source of configurations. Trials are numbered from 0."""

    def ask(self, number: int) -> dict[str, Any] | None:
        """The axes' values of a new trial; None where there is nothing new to try."""

    def tell(self, number: int, score: float | None) -> None:
        """What a trial's validation reached; None where it failed."""


def proposals(plan: Plan, past: Past, failed: Iterable[Mapping[str, Any]] = ()) -> Proposals:
    """The source that the plan names, knowing of ``past`` trials.

    Args:
        failed: values of trials that nothing is to be learned from, nor to be tried again.

    Raises:
        ConfigError: Optuna is wanted and absent.
    """
    if plan.space.sweep.search == OPTUNA:
        return OptunaSearch(plan, past, failed)
    return RandomSearch(plan)


class RandomSearch:
    """Independent draws, none twice; a trial's depends on the seed and its number alone."""

    def __init__(self, plan: Plan) -> None:
        self._draws = plan.draws()

    def ask(self, number: int) -> dict[str, Any] | None:
        return self._draws[number] if number < len(self._draws) else None

    def tell(self, number: int, score: float | None) -> None:
        """Nothing is learned from it."""


class OptunaSearch:
    """Tree-structured Parzen estimators (Bergstra et al. 2011), by Optuna; nothing is tried twice.

    What it proposes again is told its known result, so that it learns from the repeat and moves on.
    """

    def __init__(self, plan: Plan, past: Past, failed: Iterable[Mapping[str, Any]] = ()) -> None:
        optuna = import_optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._axes = plan.space.axes
        self._distributions = {name: axis.distribution() for name, axis in self._axes.items()}
        sampler = optuna.samplers.TPESampler(seed=plan.space.sweep.seed + len(past))
        direction = "maximize" if plan.bigger else "minimize"
        self._study = optuna.create_study(sampler=sampler, direction=direction)
        self._open: dict[int, Any] = {}
        self._draws = plan.draws()
        # By configuration: its score; None before it has one, and where it failed.
        self._known: dict[str, float | None] = {dump(dict(values)): None for values in failed}
        self._asked: dict[int, str] = {}
        for number, (values, score) in sorted(past.items()):
            self._remember(optuna, number, values, score)

    def ask(self, number: int) -> dict[str, Any] | None:
        for _ in range(_REPEATS):
            trial = self._study.ask(self._distributions)
            values = self._decoded(trial)
            if dump(values) not in self._known:
                return self._begin(number, trial, values)
            self._close(trial, self._known[dump(values)])
        left = (drawn for drawn in self._draws if dump(drawn) not in self._known)
        if (drawn := next(left, None)) is None:
            return None
        self._study.enqueue_trial({n: axis.encode(drawn[n]) for n, axis in self._axes.items()})
        return self._begin(number, self._study.ask(self._distributions), drawn)

    def _decoded(self, trial: Any) -> dict[str, Any]:
        return {name: axis.decode(trial.params[name]) for name, axis in self._axes.items()}

    def _begin(self, number: int, trial: Any, values: dict[str, Any]) -> dict[str, Any]:
        self._open[number] = trial
        self._asked[number] = dump(values)
        self._known[self._asked[number]] = None
        return values

    def tell(self, number: int, score: float | None) -> None:
        if (trial := self._open.pop(number, None)) is not None:
            self._known[self._asked[number]] = score
            self._close(trial, score)

    def _close(self, trial: Any, score: float | None) -> None:
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
        self._known[dump(values)] = score
        if score is None:
            self._study.enqueue_trial(known)
            self._begin(number, self._study.ask(self._distributions), values)
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
