"""What a key may hold: its type, range and choices, in code and in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recbole_ext.config.literals import literal

_LARGEST = 2**63 - 1

Choices = tuple[Any, ...] | Callable[[], tuple[Any, ...]]


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list_of(value: Any, member: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(member(item) for item in value)


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "int": (_is_int, "a whole number"),
    "float": (_is_number, "a number"),
    "bool": (lambda value: isinstance(value, bool), "true or false"),
    "str": (lambda value: isinstance(value, str), "text"),
    "list": (lambda value: isinstance(value, list), "a list"),
    "dict": (lambda value: isinstance(value, dict), "a mapping"),
    "floats": (lambda value: _is_list_of(value, _is_number), "a list of numbers"),
    "ints": (lambda value: _is_list_of(value, _is_int), "a list of whole numbers"),
    "strs": (lambda value: _is_list_of(value, lambda v: isinstance(v, str)), "a list of names"),
    "inf": (lambda value: value == "inf", "inf"),
    "any": (lambda value: True, "any plain value"),
}


@dataclass(frozen=True)
class Key:
    """One key of the configuration.

    Args:
        kind: the types it takes, names of ``_KINDS`` joined by ``|``, ``null`` among them.
        help: one line for the user.
        within: the interval of a number, such as ``[0, 1)``; ``inf`` for no bound.
        choices: the only values allowed, or a function that looks them up; of a list, its items.
        fold: choices hold in any case.
        infinite: numbers inside it may be; whoever checks the mapping sees to them.
    """

    kind: str
    help: str
    within: str = ""
    choices: Choices = ()
    fold: bool = False
    infinite: bool = False

    def accepts(self, value: Any) -> bool:
        """Whether ``value`` has one of the types, lies in the interval and is a choice."""
        if value is None:
            return self._takes_null
        allowed = finite(value) or self.infinite
        return allowed and self._fits(value) and self._chosen(value) and self._inside(value)

    def allowed(self) -> str:
        """What is allowed, in words."""
        parts = [self._words(kind) for kind in self._value_kinds]
        if self.choices:
            named = [_spelled(choice) for choice in self.options]
            parts = [f"one of {', '.join(named)}" if len(named) > 1 else named[0]]
            if "strs" in self._value_kinds:
                parts.append("a list of them")
        return " or ".join([*parts, *(["null"] if self._takes_null else [])])

    def from_text(self, text: str, *, unquote: bool) -> Any:
        """The value of a text: the literal where the key takes its type, else the text itself.

        ``unquote`` reads text that is written in quotes, as on a command line.
        """
        value = literal(text)
        takes_text = "str" in self._value_kinds
        if isinstance(value, str):
            return text if takes_text and not unquote else value
        fits = self._takes_null if value is None else self._fits(value)
        return value if fits or not takes_text else text

    @property
    def options(self) -> tuple[Any, ...]:
        """The choices; empty where any value of the type will do."""
        return self.choices if isinstance(self.choices, tuple) else self.choices()

    @property
    def _takes_null(self) -> bool:
        return "null" in self.kind.split("|") or self.kind == "any"

    @property
    def _value_kinds(self) -> list[str]:
        return [kind for kind in self.kind.split("|") if kind != "null"]

    def _fits(self, value: Any) -> bool:
        return any(_KINDS[kind][0](value) for kind in self._value_kinds)

    def _chosen(self, value: Any) -> bool:
        if not self.choices:
            return True
        if isinstance(value, list):
            return all(map(self._chosen, value))
        choices = [_folded(choice) if self.fold else choice for choice in self.options]
        return (_folded(value) if self.fold else value) in choices

    def _inside(self, value: Any) -> bool:
        if isinstance(value, list):
            return all(self._inside(item) for item in value)
        if not _is_number(value):
            return True
        if not self.within:
            return not _is_int(value) or abs(value) <= _LARGEST
        low, high = (float(end) for end in self.within[1:-1].split(","))
        above = value > low if self.within.startswith("(") else value >= low
        below = value < high if self.within.endswith(")") else value <= high
        return above and below and (not _is_int(value) or value <= _LARGEST)

    def _words(self, kind: str) -> str:
        words = _KINDS[kind][1]
        if kind not in ("int", "float", "ints") or not self.within:
            return words
        low, high = (part.strip() for part in self.within[1:-1].split(","))
        if high == "inf":
            return f"{words} {'>' if self.within.startswith('(') else '>='} {low}"
        return f"{words} in {self.within}"


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _spelled(choice: Any) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def finite(value: Any) -> bool:
    """Whether no number in ``value``, at any depth, is nan or infinite."""
    if isinstance(value, dict):
        return all(finite(item) for item in [*value, *value.values()])
    if isinstance(value, list):
        return all(finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)
