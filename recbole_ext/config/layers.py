"""One source of values at a time: text becomes values, and each value is judged by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recbole_ext.config.known import OF_YOUR_MODEL, choices_hint, unknown_key
from recbole_ext.config.literals import plain
from recbole_ext.config.schema import Key
from recbole_ext.errors import ConfigError, show

NAMES = ("model", "dataset")  # not settings: they say which settings there are
OVERALL = "properties/overall.yaml"
ARGUMENTS = "the command line"
DICT = "config_dict"


@dataclass(frozen=True)
class Layer:
    """The values of one file, of ``config_dict`` or of the command line, as they were given."""

    source: str
    values: Mapping[str, Any]
    own: bool = False  # a file of this library's, or of the model's: defaults, no one's wish

    def origin(self, key: str) -> str:
        """What the user wrote: ``--learning_rate``, ``config_dict`` or the file's name."""
        return f"--{key}" if self.source == ARGUMENTS else self.source

    @property
    def is_overall(self) -> bool:
        """Whether these are the defaults of every run."""
        return self.own and self.source == OVERALL

    def checked(self, known: Mapping[str, Key], model: str) -> dict[str, Any]:
        """The values in their types. Raises ConfigError for an unknown key or a wrong value."""
        checked = {}
        for name, value in self.values.items():
            if name in NAMES:
                continue
            if name not in known:
                raise unknown_key(name, self.origin(name), model, dict(known))
            checked[name] = self._value(name, value, known[name])
        return checked

    def _value(self, name: str, given: Any, key: Key) -> Any:
        line = f"{name}: {show(given)} (from {self.origin(name)})"
        try:
            value = self._typed(plain(given), key)
        except ConfigError as error:
            raise ConfigError(f"{line} {error}; it must be {key.allowed()}") from error
        if not key.accepts(value):
            raise ConfigError(
                f"{line} must be {key.allowed()}{choices_hint(value, key)}{_why(key)}"
            )
        return value

    def _typed(self, value: Any, key: Key) -> Any:
        if not isinstance(value, str):
            return value
        if self.source in (ARGUMENTS, DICT):
            return key.from_text(value, unquote=self.source == ARGUMENTS)
        return None if value == "None" and key.accepts(None) else value


def said_of(source: str, error: ConfigError) -> str:
    """The line of an error, what stood in ``config_dict`` said to be from ``source``.

    For whoever hands on a file's values as ``config_dict``: no such thing is the user's.
    """
    return str(error).replace(f"(from {DICT})", f"(from {source})")


def _why(key: Key) -> str:
    """Where the type of a user's own key comes from."""
    return ", as its default in the model's YAML is" if key.help == OF_YOUR_MODEL else ""
