"""Interactions between reading and writing: integer codes, and the tokens they stand for."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from recbole_ext.data.reserved import MISSING, PADDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNWRITABLE = re.compile(r"[\s\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can write half a character


class FieldError(ValueError):
    """What is wrong with one field; readers add the file and the line.

    reason: the same without the value, to count by; spaces: it is white space in an id.
    """

    def __init__(self, message: str, reason: str | None = None, spaces: bool = False) -> None:
        super().__init__(message)
        self.reason = reason or message
        self.spaces = spaces


class Vocabulary(dict[str, int]):
    """Codes 0, 1, ... for tokens in the order of their first appearance: `vocabulary[token]`.

    A token is checked when it is first seen. Raises FieldError for one RecBole would not read back.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    @property
    def tokens(self) -> list[str]:
        """The tokens to write, by code."""
        return list(self)

    def written(self, token: str) -> str:
        """How a token of the raw file is written."""
        return token

    def check(self, token: str) -> None:
        """Raises FieldError for a token that could not be added; adds none."""
        if token not in self:
            check_token(self.kind, token)

    def __missing__(self, token: str) -> int:
        check_token(self.kind, token)
        self[token] = code = len(self)
        return code


def check_token(kind: str, token: str) -> None:
    """Raises FieldError for a token of a `user` or an `item` that RecBole would not read back."""
    shown = f"{kind} {shorten(token)}"
    if not token.strip():
        raise FieldError(f"{kind} is empty")
    if token in MISSING or token == PADDING:
        what = "is a reserved word, RecBole reads it as missing"
    elif token.startswith('"'):
        what = "starts with a quotation mark, RecBole cannot read it back"
    elif _UNWRITABLE.search(token):
        what = "has white space or a control character in it"
    elif _SURROGATE.search(token):
        what = "has half a character in it, UTF-8 cannot write it"
    else:
        return
    spaces = "white space" in what and token.split() != [token]
    reason = f"{kind} has white space in it, see --spaces" if spaces else f"{kind} {what}"
    raise FieldError(f"{shown} {what}", reason, spaces)


def number(text: str, column: str) -> float:
    """A finite float64. Raises FieldError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:  # Python's float takes 1_000
        what = "is not a finite number" if text.strip() else "is empty"
        raise FieldError(f"{column} {shorten(text)} is not a finite number", f"{column} {what}")
    return value


def shorten(text: str) -> str:
    """A field as messages show it."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


@dataclass
class Log:
    """Interactions in the order of the raw file, which is the order of ties in time.

    users, items: codes into the tokens, int64 [n]; timestamps, ratings: float64 [n];
    timed: the timestamps are times, not places in a history.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    timestamps: NDArray[np.float64]
    user_tokens: list[str]
    item_tokens: list[str]
    ratings: NDArray[np.float64] | None = None
    timed: bool = True

    def __len__(self) -> int:
        return len(self.users)


@dataclass
class LogBuilder:
    """Collects a Log row by row, 8 bytes a value: `users` and `items` give the codes to `add`."""

    users: Vocabulary = field(default_factory=lambda: Vocabulary("user"))
    items: Vocabulary = field(default_factory=lambda: Vocabulary("item"))
    user_codes: array[int] = field(default_factory=lambda: array("q"))
    item_codes: array[int] = field(default_factory=lambda: array("q"))
    timestamps: array[float] = field(default_factory=lambda: array("d"))
    ratings: array[float] = field(default_factory=lambda: array("d"))

    def add_history(self, user: str, items: Iterable[str]) -> int:
        """Append a user's items in order; returns how many."""
        before = len(self.item_codes)
        code = self.users[user]
        self.item_codes.extend(map(self.items.__getitem__, items))
        count = len(self.item_codes) - before
        self.user_codes.extend([code] * count)
        return count

    def add(self, user: str, item: str) -> None:
        """Append one interaction."""
        self.user_codes.append(self.users[user])
        self.item_codes.append(self.items[item])

    def build(self) -> Log:
        """The Log; the place in the user's history is the time where no timestamps were given."""
        users = np.asarray(self.user_codes)  # shares the memory: 20 million rows are 160 MB each
        timed = bool(self.timestamps)
        return Log(
            users=users,
            items=np.asarray(self.item_codes),
            timestamps=np.asarray(self.timestamps) if timed else places(users),
            user_tokens=self.users.tokens,
            item_tokens=self.items.tokens,
            ratings=np.asarray(self.ratings) if self.ratings else None,
            timed=timed,
        )


def places(users: NDArray[np.int64]) -> NDArray[np.float64]:
    """The place of each row among its user's rows, 0, 1, ...; float64 [n]."""
    order = np.argsort(users, kind="stable")
    counts = np.bincount(users)
    starts = np.cumsum(counts) - counts
    result = np.empty(len(users), dtype=np.float64)
    result[order] = np.arange(len(users)) - np.repeat(starts, counts)
    return result
