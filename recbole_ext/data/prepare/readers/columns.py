"""Any CSV, TSV or Parquet file whose columns are named."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from contextlib import suppress
from itertools import islice
from shlex import quote
from typing import NoReturn

from recbole_ext.data.prepare.cleaning import Cleaner, Cleaning
from recbole_ext.data.prepare.log import Log, shorten
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.table import Layout, read_table, split_rows
from recbole_ext.data.prepare.times import is_date, is_number
from recbole_ext.errors import DataError, nearest

_SEPARATORS = (",", "\t", ";", "|")
_HEAD_ROWS = 1000


def columns_reader(columns: Columns, cleaner: Cleaner | None = None) -> Reader:
    """The reader of files with these columns; the cleaner takes the bad rows."""
    cleaner = cleaner or Cleaner(Cleaning())

    def read(source: Source) -> Log:
        if source.is_parquet:
            from recbole_ext.data.prepare.parquet import read_parquet

            if source.encoding is not None:
                raise DataError(f"{source.label}: is a Parquet file, which takes no --encoding")
            return read_parquet(source, columns, cleaner)
        layout = find_layout(source, columns, cleaner)
        return read_table(source, layout, cleaner)

    return Reader(read=read, matches=lambda head: True)


def find_layout(source: Source, columns: Columns, cleaner: Cleaner | None = None) -> Layout:
    """Where the columns are, by the file's first lines. Raises DataError."""
    cleaner = cleaner or Cleaner(Cleaning())
    first = source.head(1)[0]
    separator = columns.separator or find_separator(first, columns.named.values())
    names = split_line(first, separator)
    header = not all(name.isdecimal() for name in columns.named.values())
    places = {role: place_of(source, names, name, header) for role, name in columns.named.items()}
    if not header and not cleaner.skips:
        _check_no_header(source, names, places)
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


def find_separator(first: str, wanted: Collection[str]) -> str:
    """The separator by which the first line holds the most of the columns."""
    return max(_SEPARATORS, key=lambda one: _held(first, one, wanted))


def _check_no_header(source: Source, names: list[str], places: Mapping[str, int]) -> None:
    """Raises DataError if line 1 has a word where numbers or times belong."""
    for role, readable in (("time", _is_time), ("rating", is_number)):
        text = names[places[role]].strip() if role in places else ""
        if text and not readable(text):
            by_name = (f"--{role}_col={quote(names[at])}" for role, at in places.items())
            reason = f"{shorten(text)} is no {role}, so this looks like a header"
            ways = f"name the columns, {' '.join(by_name)}; --bad_rows=skip takes it for a bad row"
            raise source.error(1, f"{reason}: {ways}")


def _is_time(text: str) -> bool:
    return is_number(text) or is_date(text)


def split_line(line: str, separator: str) -> list[str]:
    """The fields of a line."""
    if separator == "\t":
        return line.split(separator)
    return next(csv.reader([line], delimiter=separator))


def _held(line: str, separator: str, wanted: Collection[str]) -> tuple[int, int]:
    """How many of the columns the first line holds with this separator, and how many fields."""
    names = split_line(line, separator)
    if all(name.isdecimal() for name in wanted):
        return sum(0 < int(name) <= len(names) for name in wanted), len(names)
    return sum(name in names for name in wanted), len(names)


def place_of(source: Source, names: list[str], name: str, header: bool = True) -> int:
    """Where a column is, from 0; without a header by its number. Raises DataError."""
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
    """Whether most of the first rows' times are dates; all others have to be like them."""
    rows = split_rows(source, separator, separator != "\t", Cleaner(Cleaning("skip")))
    texts: list[str] = []
    with suppress(DataError):  # reading all rows says so, after what is wrong before
        for _, row in islice(rows, int(header), _HEAD_ROWS):
            texts += row[time : time + 1]
    texts = [text for text in texts if text.strip()]
    numbers, dates = (sum(map(readable, texts)) for readable in (is_number, is_date))
    return bool(texts) and (dates > numbers or not numbers)


def _unnamed(source: Source) -> NoReturn:
    raise DataError("format columns: name the columns by --user_col and --item_col")


READER = Reader(read=_unnamed, matches=lambda head: False)
