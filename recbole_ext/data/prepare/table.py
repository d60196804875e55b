"""Tables of text, row by row: the reference that fast_table.py has to agree with."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recbole_ext.data.prepare.cleaning import Cleaner, Cleaning
from recbole_ext.data.prepare.log import FieldError, Log, LogBuilder, number
from recbole_ext.data.prepare.source import BLANK, Source
from recbole_ext.data.prepare.spaces import ClashError, plain_id
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


def read_table(source: Source, layout: Layout, cleaner: Cleaner | None = None) -> Log:
    """All rows in the file's order, or those the cleaner leaves.

    Raises DataError with the line of the first malformed one.
    """
    cleaner = cleaner or Cleaner()
    if len(layout.separator) == 1:
        from recbole_ext.data.prepare.fast_table import read_fast

        log = read_fast(source, layout, cleaner)
        if log is not None:
            return log
    return read_rows(source, layout, cleaner)


def read_rows(source: Source, layout: Layout, cleaner: Cleaner | None = None) -> Log:
    """The same, slowly, and saying what is wrong."""
    cleaner = cleaner or Cleaner()
    builder = cleaner.start()
    add = _adder(builder, layout)
    rows = split_rows(source, layout.separator, layout.quoted, cleaner)
    if layout.header:
        next(rows, None)
    for line, row in rows:
        try:
            check_width(row, layout.width, layout.text)
            add(row)
        except ClashError as clash:
            at = layout.user if clash.kind == "user" else layout.item
            place = first_line(source, layout.separator, layout.quoted, at, clash)
            raise source.error(line, str(clash.beside(f"line {place}"))) from None
        except FieldError as error:
            cleaner.refuse(source, line, error)
    return builder.build()


def check_width(row: list[str], width: int, text: str) -> None:
    """Raises FieldError for a row of another number of fields than `text` has."""
    if len(row) != width:
        message = f"has {len(row)} fields, {text} has {width}"
        raise FieldError(message, f"too {'few' if len(row) < width else 'many'} fields")


def _adder(builder: LogBuilder, layout: Layout) -> Callable[[list[str]], None]:
    """What adds a row, all of it or nothing."""
    user, item, rating, time = layout.user, layout.item, layout.rating, layout.time
    users, items = builder.users, builder.items

    def add(row: list[str]) -> None:
        users.check(row[user])
        items.check(row[item])
        stars = None if rating is None else number(row[rating], "rating")
        seconds = None if time is None else layout.seconds(row[time])
        builder.add(row[user], row[item])
        if stars is not None:
            builder.ratings.append(stars)
        if seconds is not None:
            builder.timestamps.append(seconds)

    return add


def first_line(
    source: Source, separator: str, quoted: bool, place: int, clash: ClashError
) -> int | None:
    """The line where the first of two ids that would be one stands first; None if nowhere here."""
    rows = split_rows(source, separator, quoted, Cleaner(Cleaning("skip")))
    found = (n for n, row in rows if len(row) > place and plain_id(row[place]) == clash.other)
    return next(found, None)


def split_rows(
    source: Source, separator: str, quoted: bool, cleaner: Cleaner | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Line numbers (of the last line of a row) and fields.

    Blank rows may only close the file, or are left to the cleaner, which leaves them out.
    """
    cleaner = cleaner or Cleaner()
    blank: list[int] = []
    for line, row in _quoted(source, separator) if quoted else _plain(source, separator):
        if not row:
            blank.append(line)
            continue
        for place in blank:
            cleaner.refuse(source, place, FieldError(BLANK, "line is blank"))
        blank.clear()
        yield line, row


def _plain(source: Source, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each line, a blank one as an empty list."""
    for line, text in source.all_lines():
        yield line, text.split(separator) if text.strip() else []


def _quoted(source: Source, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row, which may be of more lines, a blank one as an empty list.

    Strictly: a quotation mark that nobody meant would swallow the rows up to the next one.
    """
    last, first = 0, 1

    def texts() -> Iterator[str]:
        nonlocal last
        for last, text in source.all_lines():  # noqa: B007
            yield text + "\n"

    try:
        for row in csv.reader(texts(), delimiter=separator, strict=True):
            yield last, row if any(field.strip() for field in row) else []
            first = last + 1
    except csv.Error as error:
        where = f", by line {last}" if last > first else ""
        raise source.error(first, f"cannot be split into fields{where} ({error})") from None
