"""JSON lines: one object per interaction."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recbole_ext.data.prepare.log import FieldError, Log, LogBuilder, shorten
from recbole_ext.data.prepare.source import Source


@dataclass(frozen=True)
class Keys:
    """The keys of an interaction; seconds: from the time's value and key, to seconds."""

    user: str
    item: str
    rating: str
    time: str
    seconds: Callable[[Any, str], float]

    def fit(self, line: str) -> bool:
        """Whether a line is an object with all of these keys."""
        try:
            keys = parse(line).keys()
        except FieldError:
            return False
        return {self.user, self.item, self.rating, self.time} <= keys


def read_json_lines(source: Source, keys: Keys) -> Log:
    """All lines in the file's order. Raises DataError with the first malformed one."""
    builder = LogBuilder()
    for number, line in source.lines():
        try:
            values = parse(line)
            builder.add(_token(values, keys.user), _token(values, keys.item))
            builder.ratings.append(finite(_value(values, keys.rating), keys.rating))
            builder.timestamps.append(keys.seconds(_value(values, keys.time), keys.time))
        except FieldError as error:
            raise source.error(number, str(error)) from None
    return builder.build()


def parse(line: str) -> dict[str, Any]:
    """The object in a line. Raises FieldError if there is none."""
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise FieldError(f"is not JSON ({error.msg} at column {error.colno})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists
        raise FieldError("is JSON that cannot be read") from None
    if not isinstance(values, dict):
        raise FieldError("is not a JSON object")
    return values


def finite(value: Any, key: str) -> float:
    """A finite number. Raises FieldError."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        if is_number and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer beyond any float
        pass
    raise FieldError(f"{key} {shorten(json.dumps(value))} is not a finite number")


def _value(values: dict[str, Any], key: str) -> Any:
    if key not in values:
        raise FieldError(f"has no {key!r}")
    return values[key]


def _token(values: dict[str, Any], key: str) -> str:
    value = _value(values, key)
    if not isinstance(value, str):
        raise FieldError(f"{key} {shorten(json.dumps(value))} is not text")
    return value
