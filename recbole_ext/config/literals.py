"""Text from the command line becomes a value; nothing is ever evaluated.

Numbers, quoted text, lists and mappings in Python's or YAML's spelling, ``true``/``false``/``null``
and ``None`` are read; everything else stays the text it is, and the type check of its key decides.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

import yaml

from recbole_ext.config.yaml_dialect import ConfigLoader
from recbole_ext.errors import ConfigError

_WORDS = {"true": True, "false": False, "null": None, "none": None, "~": None}
_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?")
_TOO_DEEP = 30
_TOO_MUCH = 100_000  # values: a few lines of YAML can stand for billions by aliases of aliases


def literal(text: str) -> Any:
    """The value that ``text`` spells, or ``text`` itself.

    >>> literal("1e-3"), literal("[Hit, NDCG]"), literal("True"), literal("1/0")
    (0.001, ['Hit', 'NDCG'], True, '1/0')
    """
    stripped = text.strip()
    if stripped.lower() in _WORDS:
        return _WORDS[stripped.lower()]
    if stripped[:1] in ("[", "{", "(", "'", '"') or _NUMBER.fullmatch(stripped):
        return _container_or_number(text, stripped)
    return _comma_list(text, stripped)


def _container_or_number(text: str, stripped: str) -> Any:
    for read in (_python_literal, _yaml_literal):
        try:
            return plain(read(stripped))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, yaml.YAMLError):
            continue
    return text


def _comma_list(text: str, stripped: str) -> Any:
    """``5,10,20`` is a list of numbers, as RecBole reads it; other text stays text."""
    parts = [part.strip() for part in stripped.split(",")]
    if len(parts) < 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        return text
    numbers = [_container_or_number(part, part) for part in parts]
    return text if any(isinstance(number, str) for number in numbers) else numbers


def _python_literal(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "invalid escape sequence" and the like: it is only text
        return ast.literal_eval(text)


def _yaml_literal(text: str) -> Any:
    if text[:1] not in ("[", "{"):
        raise ValueError("only lists and mappings are read as YAML")
    return yaml.load(text, Loader=ConfigLoader)


def plain(value: Any) -> Any:
    """``value`` in plain YAML types: tuples become lists, numpy scalars numbers, paths text.

    Raises ConfigError for any other object, for values nested deeper than 30 levels, and for more
    than 100,000 of them.
    """
    return _plain(value, 0, count(1))


def _plain(value: Any, depth: int, counter: Iterator[int]) -> Any:
    if depth > _TOO_DEEP:
        raise ConfigError("is nested too deeply")
    if next(counter) > _TOO_MUCH:
        raise ConfigError(f"holds more than {_TOO_MUCH:,} values")
    below = partial(_plain, depth=depth + 1, counter=counter)
    if isinstance(value, dict):
        return {below(key): below(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [below(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    if hasattr(value, "__fspath__"):
        value = str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ConfigError(f"is of type {type(value).__name__}, not a plain value")
