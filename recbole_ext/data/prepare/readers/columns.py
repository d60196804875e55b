"""Any CSV, TSV or Parquet file whose columns are named."""

from __future__ import annotations

import csv
from itertools import islice
from typing import NoReturn

from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.table import Layout, read_table, split_rows
from recbole_ext.data.prepare.times import is_number
from recbole_ext.errors import DataError, nearest

_SEPARATORS = (",", "\t", ";", "|")


def columns_reader(columns: Columns) -> Reader:
    """The reader of files with these columns."""

    def read(source: Source) -> Log:
        if source.is_parquet:
            from recbole_ext.data.prepare.parquet import read_parquet

            return read_parquet(source, columns)
        return read_table(source, find_layout(source, columns))

    return Reader(read=read, matches=lambda head: True)


def find_layout(source: Source, columns: Columns) -> Layout:
    """Where the columns are, by the file's first two lines. Raises DataError."""
    first = source.head(1)[0]
    given = columns.separator
    separator = given or max(_SEPARATORS, key=lambda one: _held(first, one, columns))
    names = _split(first, separator)
    header = not all(name.isdecimal() for name in columns.named.values())
    places = {role: _place(source, names, name, header) for role, name in columns.named.items()}
    time = places.get("time")
    return Layout(
        separator,
        width=len(names),
        text="the header" if header else "line 1",
        user=places["user"],
        item=places["item"],
        rating=places.get("rating"),
        time=time,
        header=header,
        iso=time is not None and _is_iso(source, separator, header, time),
        unit=columns.unit,
    )


def _split(line: str, separator: str) -> list[str]:
    if separator == "\t":
        return line.split(separator)
    return next(csv.reader([line], delimiter=separator))


def _held(line: str, separator: str, columns: Columns) -> tuple[int, int]:
    """How many of the columns the first line holds with this separator, and how many fields."""
    names = _split(line, separator)
    wanted = columns.named.values()
    if all(name.isdecimal() for name in wanted):
        return sum(0 < int(name) <= len(names) for name in wanted), len(names)
    return sum(name in names for name in wanted), len(names)


def _place(source: Source, names: list[str], name: str, header: bool) -> int:
    if header and names.count(name) > 1:
        raise DataError(f"{source.label}: column {name!r} stands there {names.count(name)} times")
    if header and name in names:
        return names.index(name)
    if not header and 0 < int(name) <= len(names):
        return int(name) - 1
    shown = ", ".join(names[:20])
    near = nearest(name, names) if header else ""
    reason = f"has no column {name!r}{near}; it has {shown}"
    raise DataError(f"{source.label}: {reason}")


def _is_iso(source: Source, separator: str, header: bool, time: int) -> bool:
    """Whether the first row's time is a date; all others have to be like it."""
    rows = split_rows(source, separator, separator != "\t")
    row = next(islice(rows, int(header), None), (0, []))[1]
    return len(row) > time and not is_number(row[time])


def _unnamed(source: Source) -> NoReturn:
    raise DataError("format columns: name the columns by --user_col and --item_col")


READER = Reader(read=_unnamed, matches=lambda head: False)
