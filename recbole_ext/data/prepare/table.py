"""Tables of text, row by row: the reference that fast_table.py has to agree with."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recbole_ext.data.prepare.log import FieldError, Log, LogBuilder, number
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.times import UNITS, iso_seconds


@dataclass(frozen=True)
class Layout:
    """How a table is written and where its columns are.

    width: fields in a line; text: the line's form, for messages; user, item, rating, time: places
    from 0, None where there is no such column; header: the first line holds names;
    separator: one character, then fields may be in quotes, or more;
    iso, unit: times are ISO dates, or numbers of this unit.
    """

    separator: str
    width: int
    text: str
    user: int = 0
    item: int = 1
    rating: int | None = 2
    time: int | None = 3
    header: bool = False
    iso: bool = False
    unit: str = "s"

    @property
    def quoted(self) -> bool:
        """Whether fields may be in quotation marks; tab-separated files know no quoting."""
        return len(self.separator) == 1 and self.separator != "\t"

    def seconds(self, text: str) -> float:
        """The time of a field. Raises FieldError."""
        return iso_seconds(text) if self.iso else number(text, "timestamp") / UNITS[self.unit]


def read_table(source: Source, layout: Layout) -> Log:
    """All rows in the file's order. Raises DataError with the line of the first malformed one."""
    if len(layout.separator) == 1:
        from recbole_ext.data.prepare.fast_table import read_fast

        log = read_fast(source, layout)
        if log is not None:
            return log
    return read_rows(source, layout)


def read_rows(source: Source, layout: Layout) -> Log:
    """The same, slowly, and saying what is wrong."""
    builder = LogBuilder()
    add = _adder(builder, layout)
    rows = split_rows(source, layout.separator, layout.quoted)
    if layout.header:
        next(rows, None)
    for line, row in rows:
        if len(row) != layout.width:
            raise source.error(line, f"has {len(row)} fields, {layout.text} has {layout.width}")
        try:
            add(row)
        except FieldError as error:
            raise source.error(line, str(error)) from None
    return builder.build()


def _adder(builder: LogBuilder, layout: Layout) -> Callable[[list[str]], None]:
    user, item, rating, time = layout.user, layout.item, layout.rating, layout.time

    def add(row: list[str]) -> None:
        builder.add(row[user], row[item])
        if rating is not None:
            builder.ratings.append(number(row[rating], "rating"))
        if time is not None:
            builder.timestamps.append(layout.seconds(row[time]))

    return add


def split_rows(source: Source, separator: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """Line numbers (of the last line of a row) and fields."""
    if not quoted:
        for line, text in source.lines():
            yield line, text.split(separator)
        return
    last = 0

    def texts() -> Iterator[str]:
        nonlocal last
        for last, text in source.all_lines():  # noqa: B007
            yield text + "\n"

    blank = 0
    try:
        for row in csv.reader(texts(), delimiter=separator):
            if not any(field.strip() for field in row):
                blank = blank or last
            elif blank:
                raise source.error(blank, "is blank, but the file goes on after it")
            else:
                yield last, row
    except csv.Error as error:
        raise source.error(last, f"cannot be split into fields ({error})") from None
