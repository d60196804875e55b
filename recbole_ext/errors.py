"""Mistakes of a user, each told in one clear line, and the two helpers that word them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_SHOWN = 80


class UserError(ValueError):
    """A user's mistake: ``str(e)`` is one line saying what, where and what is allowed.

    The command line prints it as ``error: <line>`` and exits with code 2, without a traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class ConfigError(UserError):
    """A key, a value or a file of the configuration that cannot be used."""


class DataError(UserError):
    """A data file that is missing or malformed."""


class CheckpointError(UserError):
    """A run folder or a checkpoint that cannot be read."""


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known name closest to ``name``, or ``""``."""
    by_folded = {other.casefold(): other for other in sorted(known)}
    close = get_close_matches(name.casefold(), by_folded, n=1)
    return f"; did you mean {by_folded[close[0]]!r}?" if close else ""


def show(value: Any) -> str:
    """``repr`` of a value for an error line: printable, in one line, at most 80 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list in itself
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
