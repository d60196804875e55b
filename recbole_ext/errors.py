"""Mistakes of a user, each told in one clear line, and the two helpers that word them."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import chain
from typing import Any

INTERRUPTED = 130  # exit code after Ctrl-C, as shells have it
_SHOWN = 80
_OUT_OF_MEMORY = ("out of memory", "DefaultCPUAllocator")  # in torch's errors


class UserError(ValueError):
    """A user's mistake: ``str(e)`` is one line saying what, where and what is allowed.

    The command line prints it as ``error: <line>`` and exits with code 2, without a traceback.
    """

    def __init__(self, message: str) -> None:
        line = " ".join(message.splitlines())
        super().__init__("".join(map(_printable, line)))


class ConfigError(UserError):
    """A key, a value or a file of the configuration that cannot be used."""


class DataError(UserError):
    """A data file that is missing or malformed."""


class CheckpointError(UserError):
    """A run folder or a checkpoint that cannot be read."""


class ModelError(UserError):
    """A model of a user's own that gives what cannot be used."""


def out_of_memory(error: Exception) -> str | None:
    """One line, if that is what has happened, to Python, NumPy or torch on any device."""
    said = " ".join(str(error).split())
    of_torch = isinstance(error, RuntimeError) and any(mark in said for mark in _OUT_OF_MEMORY)
    if not isinstance(error, MemoryError) and not of_torch:
        return None
    return (
        f"out of memory ({said[:_SHOWN]}); a smaller train_batch_size, eval_batch_size or "
        "MAX_ITEM_LIST_LENGTH needs less"
    )


def reason(error: Exception) -> str:
    """One line; of what is no user's mistake, where it happened."""
    if isinstance(error, UserError):
        return str(error)
    if lacking := out_of_memory(error):
        return lacking
    line = " ".join(f"{type(error).__name__}: {error}".splitlines())
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{line} ({place.filename}, line {place.lineno}, in {place.name})"


def kind_of(value: Any) -> str:
    """A value by its type, a tensor or another array by its shape too."""
    kind, shape = type(value), getattr(value, "shape", None)
    if not isinstance(shape, tuple):  # as torch.Size is
        return kind.__name__
    tensor = any((one.__module__, one.__name__) == ("torch", "Tensor") for one in kind.__mro__)
    name = "tensor" if tensor else f"{kind.__module__}.{kind.__name__}"
    return f"a {name} of shape {list(shape)}"


def _printable(character: str) -> str:
    """The character, or its escape where a terminal could not show it."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known name closest to ``name``, or ``""``."""
    by_folded = {other.casefold(): other for other in sorted(known)}
    close = get_close_matches(name.casefold(), by_folded, n=1)
    return f"; did you mean {by_folded[close[0]]!r}?" if close else ""


def show(value: Any) -> str:
    """A value as an error line shows it: printable, in one line, at most 80 characters."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    try:
        text = _beginning(value)
    except ValueError:  # an integer of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _beginning(value: Any) -> str:
    """As much of ``repr`` as is shown: YAML's aliases make short files of endless values."""
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _SHOWN:
            break
    return text


def _pieces(value: Any) -> Iterator[str]:
    parts: Iterable[Iterable[str]]
    if type(value) is dict:
        opened, closed = "{", "}"
        parts = (chain(_pieces(key), (": ",), _pieces(item)) for key, item in value.items())
    elif type(value) is list:
        opened, closed = "[", "]"
        parts = map(_pieces, value)
    else:
        yield repr(value)
        return
    yield opened
    for place, part in enumerate(parts):
        yield from part if place == 0 else chain((", ",), part)
    yield closed
