"""What of the raw interactions is kept, and which columns of a table hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any

from recbole_ext.data.prepare.times import UNITS, parse_moment
from recbole_ext.errors import DataError, nearest, show

CHOICES = {"min_mode": ("core", "once"), "duplicates": ("keep", "first", "last")}


@dataclass(frozen=True)
class Filters:
    """Applied in this order: the time window, repeated pairs, minimum counts.

    since, until: ISO dates, UTC; interactions from `since` up to, not including, `until` stay;
    duplicates: of a user's interactions with one item keep all, or the first or last in time;
    min_user, min_item: interactions a user and an item must have;
    min_mode: `core` drops until nothing changes, `once` counts once, so that some keep fewer.
    Raises DataError for a value that is not allowed.
    """

    min_user: int = 0
    min_item: int = 0
    min_mode: str = "core"
    since: str | None = None
    until: str | None = None
    duplicates: str = "keep"

    def __post_init__(self) -> None:
        for key in ("min_user", "min_item"):
            _check_count(key, getattr(self, key))
        for key, allowed in CHOICES.items():
            _check_choice(key, getattr(self, key), allowed)
        since, until = self.window
        if since >= until:
            raise DataError(f"since={self.since}: has to be before until={self.until}")

    @property
    def window(self) -> tuple[float, float]:
        """Seconds: from, and up to but not including."""
        since = parse_moment("since", self.since) if self.since else float("-inf")
        until = parse_moment("until", self.until) if self.until else float("inf")
        return since, until

    def __str__(self) -> str:
        """What differs from keeping all, as options."""
        values = {key.name: getattr(self, key.name) for key in fields(self)}
        changed = [f"{key}={value}" for key, value in values.items() if value != _KEEP_ALL[key]]
        return ", ".join(changed)


_KEEP_ALL: dict[str, Any] = {key.name: key.default for key in fields(Filters)}


def choose_filters(given: Mapping[str, Any], known: Mapping[str, Any]) -> Filters:
    """The filters given, where None the known data set's; an empty text means none."""
    chosen = {**known, **{key: value for key, value in given.items() if value is not None}}
    return Filters(**{key: value for key, value in chosen.items() if value != ""})


@dataclass(frozen=True)
class Columns:
    """The columns of a CSV, TSV or Parquet file, by name, or by number from 1 without a header.

    time: seconds (or another `unit`) or ISO dates; None: the file's order is chronological;
    separator: between the fields, found in the first line where None.
    Raises DataError for a value that is not allowed, and for a user or item that is not alone in
    its column (times may be the ratings too).
    """

    user: str
    item: str
    time: str | None = None
    rating: str | None = None
    separator: str | None = None
    unit: str = "s"

    def __post_init__(self) -> None:
        _check_choice("time_unit", self.unit, tuple(UNITS))
        if self.separator is not None and len(self.separator) != 1:
            raise DataError(f"sep={show(self.separator)}: one character, or tab, is needed")
        for (one, name), (other, same) in combinations(self.named.items(), 2):
            if name == same and one in ("user", "item"):
                raise DataError(f"--{one}_col and --{other}_col are both {show(name)}")

    @property
    def named(self) -> dict[str, str]:
        """What the given columns hold: `user` -> its name, ..."""
        roles = {role: getattr(self, role) for role in ("user", "item", "time", "rating")}
        return {role: name for role, name in roles.items() if name is not None}


def choose_columns(
    user: str | None,
    item: str | None,
    time: str | None,
    rating: str | None,
    separator: str | None,
    unit: str | None,
) -> Columns | None:
    """The Columns of the command line's options, None where none was given."""
    if user and item:
        separator = {"tab": "\t", "\\t": "\t", "space": " "}.get(separator or "", separator)
        return Columns(user, item, time, rating, separator, unit or "s")
    if any((user, item, time, rating, separator, unit)):
        missing = "--item_col" if user else "--user_col"
        raise DataError(f"{missing} is missing: name the columns of user and item")
    return None


ITEM_TYPES = ("token", "float", "token_seq", "float_seq")


@dataclass(frozen=True)
class ItemColumns:
    """A table of items, and which of its columns are written.

    path: the file; id: the column of the item, None: the interactions' name of it, or `item_id`;
    columns: names and RecBole's types, None: found; empty: all other columns.
    """

    path: str
    id: str | None = None
    columns: tuple[tuple[str, str | None], ...] = ()


def choose_items(path: str | None, id: str | None, columns: str | None) -> ItemColumns | None:
    """The ItemColumns of the command line's options, None where none was given."""
    if path:
        names = [name.strip() for name in (columns or "").split(",")]
        return ItemColumns(path, id or None, tuple(_typed(name) for name in names if name))
    if id or columns:
        given = "--items_id_col" if id else "--items_cols"
        raise DataError(f"{given} is of a file of items: give it by --items=FILE")
    return None


def _typed(text: str) -> tuple[str, str | None]:
    name, colon, kind = text.rpartition(":")
    if not colon:
        return text, None
    if not name or kind not in ITEM_TYPES:
        near = nearest(kind, ITEM_TYPES)
        raise DataError(
            f"items_cols={show(text)}: the type is none of {', '.join(ITEM_TYPES)}{near}"
        )
    return name, kind


def _check_count(key: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DataError(f"{key}={value}: a number of interactions, 0 or more, is needed")


def _check_choice(key: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = nearest(str(value), allowed)
        raise DataError(f"{key}={value}: is none of {', '.join(allowed)}{near}")
