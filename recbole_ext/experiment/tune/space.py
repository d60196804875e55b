"""A search space: the axes of a file, and the configuration of a trial drawn from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from recbole_ext import paths, registry
from recbole_ext.config.sources import read_yaml
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.experiment.tune.axes import Axis, Choice, Float, Int
from recbole_ext.experiment.tune.grammar import Link, read_value
from recbole_ext.experiment.tune.settings import SweepSettings

NAMES = ("model", "dataset")
OURS = {
    "run_dir": "each trial has a folder of its own",
    "checkpoint_dir": "give --sweep_dir",
    "epochs": "trials train sweep's max_epochs; give the final run's as --epochs",
    "valid_metric": "it is sweep's metric",
}


@dataclass(frozen=True)
class Space:
    """What a space file says.

    Attributes:
        source: what the user calls it.
        names: ``model`` and ``dataset``, where the file gives them.
        sweep: its ``sweep:`` part.
        axes: the keys that are searched, in the order of their names.
        fixed: the keys that are the same in every trial.
        links: the keys that follow another.
        given: the file's keys, as they stand in it.
    """

    source: str
    names: Mapping[str, str]
    sweep: SweepSettings
    axes: Mapping[str, Axis]
    fixed: Mapping[str, Any]
    links: Mapping[str, Link]
    given: Mapping[str, Any]

    @property
    def count(self) -> float:
        """How many different configurations there are."""
        return math.prod(axis.count for axis in self.axes.values())

    def draw(self, rng: Random) -> dict[str, Any]:
        """The axes' values of one trial, at random; the same for the same state of ``rng``."""
        return {name: axis.draw(rng) for name, axis in self.axes.items()}

    def complete(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The file's keys for a trial: fixed, drawn, and what follows them."""
        values = {**self.fixed, **drawn}
        for name, link in self.links.items():
            try:
                values[name] = link.follow(values)
            except ConfigError as error:
                raise ConfigError(f"{self.source}: {name}: {error}") from error
        return values

    def fix(self, values: Mapping[str, Any]) -> Space:
        """This space with ``values`` in every trial. Raises ConfigError where one is searched."""
        self.refuse_searched(values)
        wrapped = {k: [v] if isinstance(v, list | dict) else v for k, v in values.items()}
        given = {**self.names, **self.given, **wrapped, "sweep": self.sweep.as_dict()}
        return parse_space(given, self.source)

    def refuse_searched(self, names: Iterable[str]) -> None:
        """Raise ConfigError for the first of ``names`` that trials do not have in common."""
        for name in names:
            if name in self.axes or name in self.links:
                raise ConfigError(
                    f"{name} is searched by {self.source}; leave it out elsewhere, or give a space "
                    "without it by --space=FILE"
                )

    def probes(self) -> Iterator[dict[str, Any]]:
        """Configurations that hold every value of every axis; of a range, its ends.

        The axes are drawn independently: any value may meet the first ones of the others.
        """
        first = {name: axis.probes()[0] for name, axis in self.axes.items()}
        yield first
        for name, axis in self.axes.items():
            for value in axis.probes()[1:]:
                yield {**first, name: value}


def default_file(model: str) -> Path:
    """The library's space of a model, or of the nearest base that has one.

    Raises:
        ConfigError: there is none, or no such model.
    """
    registry.get_model_class(model, "--model")
    folder = paths.properties_dir() / "tune"
    for link in (model, *(file.stem for file in reversed(registry.lineage(model).files))):
        if (folder / f"{link}.yaml").is_file():
            return folder / f"{link}.yaml"
    raise ConfigError(f"properties/tune has no space for {model}; give one by --space=FILE")


def read_space(file: Path, sweep: Mapping[str, Any] | None = None) -> Space:
    """Read a space file; ``sweep`` overrides parts of its ``sweep:``.

    Raises:
        ConfigError: one line: which file and key, and what is allowed.
    """
    source = paths.relative_name(file)
    given = read_yaml(file, source)
    return parse_space(given, source, sweep)


def parse_space(
    given: Mapping[str, Any], source: str, sweep: Mapping[str, Any] | None = None
) -> Space:
    """The space that a file's mapping says; see :func:`read_space`."""
    names = _names(given, source)
    values = {key: value for key, value in given.items() if key not in ("sweep", *NAMES)}
    read = {name: _single(_read(name, values[name], source)) for name in sorted(values)}
    axes = {name: one for name, one in read.items() if isinstance(one, Choice | Float | Int)}
    links = {name: one for name, one in read.items() if isinstance(one, Link)}
    fixed = {name: one for name, one in read.items() if name not in axes and name not in links}
    _check_links(links, {**axes, **fixed}, source)
    if not axes:
        raise ConfigError(f"{source} searches nothing: no key has a list or a range of values")
    over = sweep or {}
    settings = SweepSettings.read(_merged(given.get("sweep"), over, source), source, over)
    return Space(source, names, settings, axes, fixed, links, values)


def _merged(given: Any, over: Mapping[str, Any], source: str) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise ConfigError(f"{source}: sweep: {show(given)} must be a mapping")
    merged = {**(given or {}), **over}
    grace, most = merged.get("grace"), over.get("max_epochs")
    if "grace" not in over and isinstance(grace, int) and isinstance(most, int):
        merged["grace"] = max(1, min(grace, most))  # trials are shorter than the file thought
    return merged


def _names(given: Mapping[str, Any], source: str) -> dict[str, str]:
    names = {name: given[name] for name in NAMES if name in given}
    for name, value in names.items():
        if not isinstance(value, str):
            raise ConfigError(
                f"{source}: {name}: {show(value)} must be one name: a sweep is of one model on one "
                "data set"
            )
    return names


def _read(name: str, value: Any, source: str) -> Any:
    if name in OURS and not (name == "epochs" and isinstance(value, int)):
        raise ConfigError(f"{source}: {name} cannot be searched or set here: {OURS[name]}")
    try:
        return read_value(value)
    except ConfigError as error:
        raise ConfigError(f"{source}: {name}: {error}") from error


def _single(one: Any) -> Any:
    """The value of a list of one: that is how a list or a mapping is written."""
    return one.values[0] if isinstance(one, Choice) and len(one.values) == 1 else one


def _check_links(links: Mapping[str, Link], others: Mapping[str, Any], source: str) -> None:
    for name, link in links.items():
        if link.other not in others:
            why = "follows another itself" if link.other in links else "is no key of this file"
            hint = "" if link.other in links else nearest(link.other, others)
            raise ConfigError(f"{source}: {name}: same_as: {show(link.other)} {why}{hint}")
