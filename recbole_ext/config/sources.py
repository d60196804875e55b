"""Reading what a user gives, YAML files and ``--key=value`` arguments, without judging values."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from recbole_ext.config.yaml_dialect import ConfigLoader
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.paths import relative_name


def read_yaml(path: Path, name: str) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    ``name`` is what the user calls the file. Raises ConfigError with file and line.
    """
    try:
        values = deepcopy(_parsed(_read_text(path, name)))
    except yaml.YAMLError as error:
        raise ConfigError(_yaml_message(error, name)) from error
    except RecursionError as error:
        raise ConfigError(f"{name} is nested too deeply") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{name} must hold 'key: value' lines, not a {_kind(values)}")
    for key in values:
        if not isinstance(key, str):
            raise ConfigError(f"{name}: the key {show(key)} must be text; write it in quotes")
    return values


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """The list of models asks for some files fifty times, and to parse one takes milliseconds."""
    return yaml.load(text, Loader=ConfigLoader)


def read_settings(path: Path) -> dict[str, Any]:
    """What one of this library's files, or of a model's, sets; not what it says of the model."""
    values = read_yaml(path, relative_name(path))
    return {key: value for key, value in values.items() if key not in ("base", "about")}


def _kind(value: Any) -> str:
    return {"list": "list", "str": "text"}.get(type(value).__name__, "single value")


def _read_text(path: Path, name: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"config file {show(name)} does not exist{_near_file(path)}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{name} is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}"
        ) from error
    except IsADirectoryError:
        raise ConfigError(f"config file {show(name)} is a folder") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"config file {show(name)} cannot be read: {reason}") from error


def _near_file(path: Path) -> str:
    try:
        names = [other.name for other in path.parent.iterdir() if other.is_file()]
    except OSError:
        return f"; nor does its folder {show(str(path.parent))}"
    return nearest(path.name, names)


def _yaml_message(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark else name
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    return f"{where}: {problem}" + (f" ({context})" if context else "")


def parse_arguments(arguments: Iterable[str]) -> dict[str, str]:
    """``--key=value`` arguments as a mapping; a value may contain ``=``.

    Raises ConfigError for any other form and for a key given two different values.
    """
    values: dict[str, str] = {}
    for argument in arguments:
        key, value = _split_argument(argument)
        if values.setdefault(key, value) != value:
            raise ConfigError(
                f"--{key} is given twice, as {show(values[key])} and as {show(value)}; give one"
            )
    return values


def _split_argument(argument: str) -> tuple[str, str]:
    if not argument.startswith("--"):
        raise ConfigError(f"unexpected argument {show(argument)}; settings are --key=value")
    key, equals, value = argument[2:].partition("=")
    if not equals:
        raise ConfigError(f"{show(argument)} has no value; write --{key or 'key'}=value")
    if not key.strip():
        raise ConfigError(f"{show(argument)} has no key; settings are --key=value")
    return key, value
