"""What is wrong with a line, in words. Runs only where the quick way has met something unusual."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence

from recbole_ext.data.atomic.header import SEPARATORS, AtomicFile, Column
from recbole_ext.data.atomic.text import Block
from recbole_ext.data.reserved import MISSING, PADDING
from recbole_ext.errors import show

_GUARD = "guard"


def sound_lines(
    file: AtomicFile, block: Block, columns: Sequence[Column], seq_separator: str
) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers.

    Raises:
        DataError: the first line that cannot be read, with the column and the reason.
    """
    lines = block.text.split("\n")
    for number, line in enumerate(lines, block.first):
        if not line.strip() and file.delimiter not in line:
            continue
        last = number == block.first + len(lines) - 1  # no newline after it
        _check(file, number, line, columns, seq_separator, last)
        yield number, line


def _check(
    file: AtomicFile,
    number: int,
    line: str,
    columns: Sequence[Column],
    seq_separator: str,
    last: bool,
) -> None:
    fields = _fields(file, number, line)
    if len(fields) != len(file.columns):
        raise file.error(_wrong_width(file, line, len(fields), last), number)
    for column in columns:
        fault = _fault(column, fields[column.place], seq_separator)
        if fault:
            raise file.error(fault, number, column.name)


def _fields(file: AtomicFile, number: int, line: str) -> list[str]:
    """The fields of a line as a CSV reader sees them."""
    if "\0" in line:
        raise file.error("a null byte stands in the line", number)
    if '"' not in line:
        return line.split(file.delimiter)
    try:
        rows = list(csv.reader([line + "\n", _GUARD], delimiter=file.delimiter))
    except csv.Error as error:
        raise file.error(f"cannot be split into fields ({error})", number) from error
    if rows[-1] != [_GUARD]:
        place = max(0, len(rows[0]) - 1)
        name = file.columns[place].name if place < len(file.columns) else ""
        raise file.error('a field opens with a quote (") that is not closed', number, name)
    return rows[0]


def _wrong_width(file: AtomicFile, line: str, width: int, last: bool) -> str:
    wanted = len(file.columns)
    count = f"{width} field{'' if width == 1 else 's'} where the header names {wanted}"
    if width == 1:
        others = (o for o in SEPARATORS if o != file.separator and line.count(o) == wanted - 1)
        other = next(others, None)
        if other:
            return f"{count}: separated by {other!r}, not by {file.separator!r}"
    return f"the last line is cut off: {count}" if last and width < wanted else count


def _fault(column: Column, value: str, seq_separator: str) -> str | None:
    if column.type == "float":
        return _number_fault(value, column.is_time)
    if column.type == "float_seq":
        faults = (_number_fault(part, True) for part in value.split(seq_separator) if part)
        return None if value in MISSING else next(filter(None, faults), None)
    return _id_fault(value) if column.is_id else None


def _id_fault(value: str) -> str | None:
    if not value:
        return "is empty"
    if value in MISSING:
        return f"{show(value)} reads as a missing value; give it another name"
    return f"{PADDING} is the name of padding; give it another" if value == PADDING else None


def _number_fault(value: str, needed: bool) -> str | None:
    """What keeps ``value`` from being a finite number, or a missing one where that is allowed."""
    if value == "" or (value in MISSING and not needed):
        return "is empty" if needed else None
    number = _number(value)
    if number is None or (needed and math.isnan(number)):
        return f"{show(value)} is not a number"
    return f"{show(value)} is not finite" if math.isinf(number) else None


def _number(value: str) -> float | None:
    try:
        return float(value) if value.isascii() and "_" not in value else None
    except ValueError:
        return None
