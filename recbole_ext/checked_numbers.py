"""Numbers of options: read from the command line, checked there as in Python."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from recbole_ext.errors import ConfigError, show

LARGEST = 2**63 - 1  # what NumPy and torch count to
_DIGITS = 4300  # Python's int() reads no more; far fewer are too many already


def whole(name: str, text: str, least: int = 1) -> int:
    """The whole number that ``text`` spells.

    Args:
        name: of the option, such as ``--k``.

    Raises:
        ConfigError: as :func:`check_whole`.
    """
    value = _read(int, text[:_DIGITS])
    check_whole(name, text if isinstance(value, str) else value, least)
    return int(value)


def positive(name: str, text: str) -> float:
    """The number > 0 that ``text`` spells. Raises ConfigError as :func:`check_positive`."""
    value = _read(float, text)
    check_positive(name, value)
    return float(value)


def check_whole(name: str, value: Any, least: int) -> None:
    """Raises ConfigError for what is no whole number, a smaller one, or one beyond 2^63 - 1."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{name}: {show(value)} must be a whole number of {least} or more")
    if int(value) > LARGEST:
        raise ConfigError(f"{name}: {show(value)} must be a whole number of {LARGEST} or less")


def check_positive(name: str, value: Any) -> None:
    """Raises ConfigError for what is no positive, finite number."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0.0 < float(value) < float("inf"):
        raise ConfigError(f"{name}: {show(value)} must be a number > 0")


def _read(kind: type[int | float], text: str) -> int | float | str:
    """The number, or the text as it is: the check then says what is wrong with it."""
    try:
        return kind(text)
    except ValueError:
        return text
