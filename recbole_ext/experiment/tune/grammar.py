"""The grammar of a space file: what stands behind a key, read and refused.

=============================================  =====================================================
``key: value``                                 the same in every trial
``key: [a, b, c]``                             one of these; a value that is a list or a mapping
                                               itself stands in such a list, be it the only one
``key: {uniform: [low, high]}``                a number; with ``step: s`` a multiple of s above low
``key: {loguniform: [low, high]}``             a number whose logarithm is uniform
``key: {int: [low, high]}``                    a whole number, both ends included; ``step: s`` too
``key: {logint: [low, high]}``                 the same, its logarithm uniform
``key: {same_as: other}``                      the value of another key; ``times: x`` of it
``key: {by: other, values: {a: x, b: y}}``     x where the other key is a, y where it is b
=============================================  =====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recbole_ext.config.literals import plain
from recbole_ext.config.schema import finite
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.experiment.tune.axes import Axis, Choice, Float, Int


@dataclass(frozen=True)
class Link:
    """The value of the key ``other``, ``times`` as large, or what ``values`` has for it."""

    other: str
    times: float | None = None
    values: Mapping[Any, Any] | None = None

    def follow(self, values: Mapping[str, Any]) -> Any:
        """The value beside these values; ConfigError where there is none for the other's."""
        value = values[self.other]
        if self.values is not None:
            if isinstance(value, list | dict) or value not in self.values:
                raise ConfigError(f"values: has none for {self.other}: {show(value)}")
            return self.values[value]
        if self.times is None:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"times: {show(self.times)} of {self.other}: {show(value)}")
        product = value * self.times
        return int(product) if isinstance(value, int) and product == int(product) else product


def read_value(given: Any) -> Any:
    """What stands behind a key: an :class:`Axis`, a :class:`Link`, or the value itself.

    Raises:
        ConfigError: what is wrong with it; the caller names file and key.
    """
    value = plain(given)
    if not finite(value):
        raise ConfigError("holds a number that is infinite or none")
    if isinstance(value, list):
        return _choice(value)
    return _form(value) if isinstance(value, dict) else value


def _choice(values: list[Any]) -> Choice:
    if not values:
        raise ConfigError("needs a list of at least one value")
    for index, value in enumerate(values):
        if any(value == other and type(value) is type(other) for other in values[:index]):
            raise ConfigError(f"names {show(value)} twice")
    return Choice(tuple(values))


def _form(value: dict[Any, Any]) -> Any:
    names = [name for name in value if name in _FORMS]
    if len(names) != 1:
        raise ConfigError(f"needs one of {', '.join(_FORMS)}{_hint(value)}{_MAPPINGS}")
    form, (extra, read) = names[0], _FORMS[names[0]]
    for name in value.keys() - {form, extra}:
        raise ConfigError(
            f"has the unknown {show(name)} beside {form}{nearest(str(name), [extra])}"
        )
    return read(value[form], value.get(extra))


_MAPPINGS = "; a value that is a mapping itself stands in a list"


def _hint(value: dict[Any, Any]) -> str:
    hints = [nearest(str(name), _FORMS) for name in value if name not in _FORMS]
    return next(filter(None, hints), "")


def _range(given: Any, kinds: type | tuple[type, ...], words: str) -> tuple[Any, Any]:
    good = isinstance(given, list) and len(given) == 2
    if not good or any(isinstance(end, bool) or not isinstance(end, kinds) for end in given):
        raise ConfigError(f"needs two {words} in a list, low and high, not {show(given)}")
    if not given[0] < given[1]:
        raise ConfigError(f"needs low < high, not {show(given)}")
    return given[0], given[1]


def _step(given: Any, low: Any, high: Any, kinds: type | tuple[type, ...]) -> Any:
    good = isinstance(given, kinds) and not isinstance(given, bool)
    if not good or not 0 < given <= high - low:
        raise ConfigError(f"step: {show(given)} must be above 0 and at most high - low")
    return given


def _uniform(given: Any, step: Any) -> Axis:
    low, high = _range(given, (int, float), "numbers")
    return Float(low, high, step=None if step is None else _step(step, low, high, (int, float)))


def _int(given: Any, step: Any) -> Axis:
    low, high = _range(given, int, "whole numbers")
    return Int(low, high, step=1 if step is None else _step(step, low, high, int))


def _loguniform(given: Any, _: Any) -> Axis:
    low, high = _range(given, (int, float), "numbers")
    return Float(_positive(low), high, log=True)


def _logint(given: Any, _: Any) -> Axis:
    low, high = _range(given, int, "whole numbers")
    return Int(_positive(low), high, log=True)


def _positive(low: Any) -> Any:
    if low <= 0:
        raise ConfigError(f"needs low > 0 for a logarithm, not {show(low)}")
    return low


def _same_as(given: Any, times: Any) -> Link:
    if not isinstance(given, str):
        raise ConfigError(f"same_as: {show(given)} must be the name of another key")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int | float)):
        raise ConfigError(f"times: {show(times)} must be a number")
    return Link(given, times)


def _by(given: Any, values: Any) -> Link:
    if not isinstance(given, str):
        raise ConfigError(f"by: {show(given)} must be the name of another key")
    if not isinstance(values, dict) or not values:
        raise ConfigError(f"values: {show(values)} must say what belongs to which value of {given}")
    return Link(given, values=values)


_FORMS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "uniform": ("step", _uniform),
    "loguniform": ("", _loguniform),
    "int": ("step", _int),
    "logint": ("", _logint),
    "same_as": ("times", _same_as),
    "by": ("values", _by),
}
