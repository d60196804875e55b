"""The ``sweep:`` part of a space file: how many trials, how long, and what they are judged by."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recbole_ext.config.schema import Key
from recbole_ext.errors import ConfigError, nearest, show

RANDOM, OPTUNA = "random", "optuna"

KEYS = {
    "trials": Key("int", "configurations tried", "[1, inf)"),
    "max_epochs": Key("int", "epochs that a trial may train", "[1, inf)"),
    "grace": Key("int", "epochs before a trial may be stopped", "[1, inf)"),
    "reduction_factor": Key("float", "one trial in so many goes on past a rung", "(1, inf)"),
    "metric": Key("str|null", "of validation, such as NDCG@10; null: the model's valid_metric"),
    "search": Key("str", "how configurations are chosen", choices=(RANDOM, OPTUNA)),
    "seed": Key("int", "of the search; each trial trains with the key seed", "[0, 4294967295]"),
}


@dataclass(frozen=True)
class SweepSettings:
    """The settings of a sweep; see :data:`KEYS`."""

    trials: int = 16
    max_epochs: int = 40
    grace: int = 5
    reduction_factor: float = 2
    metric: str | None = None
    search: str = RANDOM
    seed: int = 2024

    @classmethod
    def read(cls, given: Any, source: str, options: Container[str] = ()) -> SweepSettings:
        """What stands under ``sweep:``; ``options`` are the names that the command line has given.

        Raises:
            ConfigError: an unknown key or a wrong value.
        """
        if not isinstance(given, Mapping):
            raise ConfigError(f"{source}: sweep: {show(given)} must be a mapping")
        for name, value in given.items():
            if name not in KEYS:
                hint = nearest(str(name), KEYS) or f"; there are {', '.join(KEYS)}"
                raise ConfigError(f"{source}: sweep has the unknown key {show(name)}{hint}")
            _check(name, value, f"--{name}" if name in options else f"{source}: sweep: {name}")
        settings = cls(**given)
        if "grace" not in given:
            settings = replace(settings, grace=min(settings.grace, settings.max_epochs))
        if settings.grace > settings.max_epochs:
            place = "--grace" if "grace" in options else f"{source}: sweep: grace"
            raise ConfigError(
                f"{place}: {settings.grace} must be at most max_epochs: {settings.max_epochs}"
            )
        return settings

    def as_dict(self) -> dict[str, Any]:
        """As it stands in a file."""
        return asdict(self)


def _check(name: str, value: Any, place: str) -> None:
    if not KEYS[name].accepts(value):
        names = [choice for choice in KEYS[name].options if isinstance(choice, str)]
        hint = nearest(value, names) if isinstance(value, str) and names else ""
        raise ConfigError(f"{place}: {show(value)} must be {KEYS[name].allowed()}{hint}")
