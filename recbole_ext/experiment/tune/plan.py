"""A sweep that can be run: names, space and settings together, all checked before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from recbole_ext.config import ExtConfig
from recbole_ext.config.layers import said_of
from recbole_ext.config.sources import parse_arguments, read_yaml
from recbole_ext.config.yaml_dialect import dump
from recbole_ext.errors import ConfigError, show
from recbole_ext.experiment.tune.space import NAMES, OURS, Space

_NOT_KEPT = (*NAMES, "config_files", "checkpoint_dir", "valid_metric")
_ENDLESS = 1000  # draws in a row that were all known: there is nothing new to find


@dataclass(frozen=True)
class Asked:
    """What a user asks for beside the space file, as :func:`recbole_ext.run` takes it.

    What a config file and the space set differently is refused: neither is plainly above the other.
    """

    model: str | None = None
    dataset: str | None = None
    config_files: Sequence[str] = ()
    config_dict: Mapping[str, Any] = field(default_factory=dict)
    cli_args: Sequence[str] = ()

    def keys(self) -> set[str]:
        """The keys that files and command line set."""
        return {*self._typed(), *self.file_values()} - {"config_files"}

    def file_values(self) -> dict[str, Any]:
        """What the config files set, the later ones above the earlier."""
        files = [*self.config_files, *self._typed().get("config_files", "").split()]
        return {key: value for file in files for key, value in read_yaml(Path(file), file).items()}

    def _typed(self) -> dict[str, Any]:
        return parse_arguments(self.cli_args)


@dataclass(frozen=True)
class Plan:
    """A checked sweep.

    Attributes:
        space: with everything the user has set elsewhere among its fixed keys.
        metric, bigger: what trials are judged by, and whether more of it is better.
        parent: the folder that sweeps' folders lie in.
    """

    model: str
    dataset: str
    space: Space
    metric: str
    bigger: bool
    parent: Path

    @property
    def trials(self) -> int:
        """How many will run: no configuration is tried twice."""
        return int(min(self.space.sweep.trials, self.space.count))

    def draws(self) -> list[dict[str, Any]]:
        """The random configurations, all different; the same for the same space and seed."""
        rng, misses = Random(self.space.sweep.seed), 0
        found: list[dict[str, Any]] = []
        known: set[str] = set()
        while len(found) < self.trials and misses < _ENDLESS:
            drawn = self.space.draw(rng)
            misses = misses + 1 if dump(drawn) in known else 0
            if not misses:
                known.add(dump(drawn))
                found.append(drawn)
        return found

    def trial_config(self, drawn: Mapping[str, Any], threads: int) -> dict[str, Any]:
        """What a trial runs: its values, the sweep's length, and a share of the machine."""
        ours = {"epochs": self.space.sweep.max_epochs, "valid_metric": self.metric}
        return {"torch_threads": threads, **self.final_config(drawn), **ours}

    def final_config(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The same configuration for a run in full."""
        names = {"model": self.model, "dataset": self.dataset}
        return {**names, **self.space.complete(drawn), "valid_metric": self.metric}

    def as_space_file(self) -> dict[str, Any]:
        """The sweep as a space file that says everything; see :func:`reopen`."""
        names = {"model": self.model, "dataset": self.dataset}
        sweep = {**self.space.sweep.as_dict(), "metric": self.metric}
        return {**names, **self.space.given, "sweep": sweep}


def plan(asked: Asked, space: Space) -> Plan:
    """Check a sweep; nothing is trained or written.

    Raises:
        ConfigError: one line: an unknown key, a wrong value, a configuration that cannot be.
    """
    _refuse_ours(asked)
    named = {"model": asked.model, "dataset": asked.dataset}
    names = {**space.names, **{name: value for name, value in named.items() if value}}
    _refuse_other_names(space, names)
    space = space.fix(asked.config_dict)
    elsewhere = asked.keys()
    space.refuse_searched(elsewhere)
    _refuse_contradictions(space, asked)
    if "valid_metric" in elsewhere:
        space = replace(space, sweep=replace(space.sweep, metric=None))
    config = _checked(space, names, next(space.probes()), asked.config_files, asked.cli_args)
    if not config["eval_step"]:
        raise ConfigError("eval_step: 0: a trial is judged by its validation")
    kept_keys = (elsewhere | {"data_path"}) - {*_NOT_KEPT, *space.axes, *space.links}
    kept = {key: config.resolved()[key] for key in kept_keys - (space.fixed.keys() - elsewhere)}
    made = _plan(space.fix(kept), config, Path(config["checkpoint_dir"]) / "tune")
    _check_configurations(made)
    return made


def reopen(space: Space, parent: Path) -> Plan:
    """The plan of a sweep that has begun, from the space file that it left.

    Raises:
        ConfigError: the file does not hold what a sweep leaves.
    """
    for name in NAMES:
        if name not in space.names:
            raise ConfigError(f"{space.source} has no {name}: it is not as a sweep left it")
    return _plan(space, _checked(space, space.names, next(space.probes())), parent)


def extended(made: Plan, trials: int) -> Plan:
    """The plan with more trials. Raises ConfigError where they are not more, or cannot be."""
    before = made.space.sweep.trials
    if trials <= before:
        raise ConfigError(f"--trials: {trials} must be more than the {before} of the sweep")
    more = replace(made, space=replace(made.space, sweep=replace(made.space.sweep, trials=trials)))
    _check_configurations(more)
    return more


def _plan(space: Space, config: ExtConfig, parent: Path) -> Plan:
    metric, bigger = config["valid_metric"], config["valid_metric_bigger"]
    return Plan(config["model"], config["dataset"], space, metric, bigger, parent)


def _refuse_ours(asked: Asked) -> None:
    for key in OURS.keys() - {"epochs", "checkpoint_dir", "valid_metric"}:
        if key in asked.keys() | asked.config_dict.keys():
            raise ConfigError(f"{key} cannot be set for a sweep: {OURS[key]}")


def _refuse_other_names(space: Space, names: Mapping[str, str]) -> None:
    for name, value in space.names.items():
        if names[name] != value:
            raise ConfigError(
                f"--{name}={names[name]}, but {space.source} is for {name}: {value}; set it in one "
                "of them"
            )


def _refuse_contradictions(space: Space, asked: Asked) -> None:
    for key, value in asked.file_values().items():
        fixed = {**space.names, **space.fixed}
        if key in fixed and fixed[key] != value:
            raise ConfigError(
                f"{key}: {show(value)} in a config file and {show(fixed[key])} in "
                f"{space.source}; set it in one of them"
            )


def _check_configurations(made: Plan) -> None:
    """Every value of every axis, and every configuration that the random search draws."""
    names = {"model": made.model, "dataset": made.dataset}
    for drawn in [*made.space.probes(), *made.draws()]:
        _checked(made.space, names, drawn)


def _checked(
    space: Space,
    names: Mapping[str, str],
    drawn: Mapping[str, Any],
    files: Sequence[str] = (),
    cli_args: Sequence[str] = (),
) -> ExtConfig:
    """The configuration of a trial; what is wrong with it is said of the space's file."""
    values = space.complete(drawn)
    if space.sweep.metric is not None:
        values["valid_metric"] = space.sweep.metric
    try:
        return ExtConfig(names.get("model"), names.get("dataset"), files, values, cli_args)
    except ConfigError as error:
        raise ConfigError(said_of(space.source, error)) from error
