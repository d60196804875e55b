"""All settings of a run together, as the checks between keys see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from recbole_ext.config.schema import Key
from recbole_ext.errors import ConfigError, nearest, show


@dataclass(frozen=True)
class Settings:
    """The final values, where each comes from, and what the model is.

    Args:
        model: its name.
        own: whether its class is this library's.
        kind: RecBole's ModelType in lower case, such as ``sequential``.
        values: by key.
        origins: by key.
    """

    model: str
    own: bool
    kind: str
    values: Mapping[str, Any]
    origins: Mapping[str, str]

    def get(self, key: str) -> Any:
        """The value of a key, or None."""
        return self.values.get(key)

    def named(self, key: str) -> str:
        """``key: value (from source)``."""
        origin = self.origins.get(key, "RecBole")
        return f"{key}: {show(self.get(key))} (from {origin})"

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise the ConfigError of a key."""
        raise ConfigError(f"{self.named(key)} {problem}")

    def fail_inside(self, key: str, problem: str) -> NoReturn:
        """Raise the ConfigError of a part of a key's value; ``problem`` names the part."""
        raise ConfigError(f"{key} (from {self.origins.get(key, 'RecBole')}) has {problem}")

    def check_mapping(self, key: str, table: Mapping[str, Key]) -> None:
        """Refuse an unknown sub-key or a wrong value in the mapping of ``key``."""
        for name, value in self.values[key].items():
            if name not in table:
                hint = nearest(str(name), table) or f"; there are {', '.join(table)}"
                self.fail_inside(key, f"the unknown key {show(name)}{hint}")
            if not table[name].accepts(value):
                wish = table[name].allowed()
                self.fail_inside(key, f"{name}: {show(value)}, which must be {wish}")

    def check_entries(self, key: str, entry: Key) -> None:
        """Refuse a mapping of ``key`` whose keys are not text or whose values ``entry`` refuses."""
        for name, value in (self.get(key) or {}).items():
            if not isinstance(name, str) or not entry.accepts(value):
                wish = entry.allowed()
                self.fail_inside(key, f"{show(name)}: {show(value)}, which must be {wish}")
