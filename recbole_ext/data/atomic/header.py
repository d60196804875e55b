"""The first line of an atomic file: names and types of its columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from recbole_ext.data.atomic.text import UNIT, open_text
from recbole_ext.errors import DataError, nearest, show

TYPES = ("token", "token_seq", "float", "float_seq")
SEPARATORS = ("\t", ",", ";", "|", "::", " ")
_EXAMPLE = "such as user_id:token, item_id:token and timestamp:float"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name, type: as the header says.
        place: its number in a line, from 0.
        is_id: its tokens are users or items: none may be missing.
        is_time: it orders the interactions: no value may be missing.
    """

    name: str
    type: str
    place: int
    is_id: bool = False
    is_time: bool = False


@dataclass(frozen=True)
class AtomicFile:
    """A file with what its header says.

    Attributes:
        path, separator, encoding: where it is and how it is written.
        columns: all of them, in order.
        roles: the columns that it must have, by name, and the key that names each.
        unique: the id that may stand there once; None for interactions.
    """

    path: Path
    separator: str
    encoding: str
    columns: tuple[Column, ...] = ()
    roles: dict[str, str] = field(default_factory=dict)
    unique: str | None = None

    @property
    def delimiter(self) -> str:
        """One ASCII character: pandas' C engine reads no other separator."""
        return self.separator if self.separator.isascii() and len(self.separator) == 1 else UNIT

    def error(self, problem: str, line: int | None = None, column: str = "") -> DataError:
        """The DataError of a place in the file."""
        place = f", line {line}" if line else ""
        place += f", column {show(column)}" if column else ""
        return DataError(f"{self.path}{place}: {problem}")

    def column(self, name: str, key: str) -> Column:
        """The column of this name. Raises DataError, with the nearest name."""
        for one in self.columns:
            if one.name == name:
                return one
        names = [one.name for one in self.columns]
        hint = nearest(name, names) or f"; it has {', '.join(names)}"
        raise self.error(f"no column {show(name)} ({key}){hint}", 1)

    def chosen(self, load: Iterable[str] | None, unload: Iterable[str] | None) -> list[Column]:
        """The columns to load, in the file's order.

        Raises:
            DataError: one that is named, or one that is always needed, is absent or has a type that
                cannot serve.
        """
        for key, names in (("load_col", load), ("unload_col", unload)):
            for name in sorted(names or ()):
                self.column(name, key)
        picked = [c for c in self.columns if load is None or c.name in load]
        picked = [c for c in picked if unload is None or c.name not in unload]
        for name, key in self.roles.items():
            self._check_role(self.column(name, key), key, picked)
        return picked

    def _check_role(self, column: Column, key: str, picked: list[Column]) -> None:
        wanted = "float" if column.is_time else "token"
        if column.type != wanted:
            raise self.error(f"{key} must be of type {wanted}, not {column.type}", 1, column.name)
        if column not in picked:
            raise self.error(f"load_col and unload_col leave out {column.name} ({key})")


def read_header(file: AtomicFile, time: str | None = None) -> AtomicFile:
    """``file`` with its columns.

    Args:
        time: the column that holds the time.

    Raises:
        DataError: it cannot be read, is empty, or a cell of its first line is not ``name:type``.
    """
    _check_separator(file)
    with open_text(file.path, file.encoding) as text:
        line = text.readline().rstrip("\n")
    if not line.strip():
        what = "the first line is blank" if file.path.stat().st_size else "the file is empty"
        raise file.error(f"{what}; its first line must name the columns, {_EXAMPLE}")
    columns: list[Column] = []
    for place, cell in enumerate(line.split(file.separator)):
        name, kind = _name_and_type(file, line, cell)
        if any(name == other.name for other in columns):
            raise file.error(f"column {show(name)} is there twice", 1)
        needed, is_time = name in file.roles, name == time
        columns.append(Column(name, kind, place, needed and not is_time, needed and is_time))
    return AtomicFile(
        file.path, file.separator, file.encoding, tuple(columns), file.roles, file.unique
    )


def _check_separator(file: AtomicFile) -> None:
    if any(mark in file.separator for mark in '"\r\n\0'):
        raise file.error(f"field_separator: {show(file.separator)} cannot separate columns")


def _name_and_type(file: AtomicFile, line: str, cell: str) -> tuple[str, str]:
    name, colon, kind = cell.partition(":")
    if name and kind in TYPES:
        return name, kind
    other = other_separator(line, file.separator)
    if other:
        raise file.error(
            f"columns are separated by {other!r}, where field_separator is {file.separator!r}; "
            "change the one or the other",
            1,
        )
    if not colon or not name or not kind or ":" in kind:
        raise file.error(f"{show(cell)} is not name:type, {_EXAMPLE}", 1)
    hint = nearest(kind, TYPES) or f"; there are {', '.join(TYPES)}"
    raise file.error(f"unknown type {show(kind)}{hint}", 1, name)


def other_separator(header: str, separator: str) -> str | None:
    """The separator that a header was written with, if it is another one."""
    if separator in header:
        return None
    return next((other for other in SEPARATORS if other in header), None)
