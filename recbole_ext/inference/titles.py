"""Titles of items, read from the data set's ``.item`` file. Imports no torch."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from recbole_ext.errors import DataError, nearest, show

TITLE_FIELDS = ("movie_title", "title", "name")
_WAY_OUT = "an empty title_field does without titles"


@dataclass(frozen=True)
class ItemFile:
    """An atomic file of items and how to read it.

    Attributes:
        path: ``<data_path>/<dataset>.item``.
        item_field: column of the item's token.
        title_field: column of its title; None: the first of :data:`TITLE_FIELDS` that is there.
        separator, encoding: of the file.
    """

    path: Path
    item_field: str
    title_field: str | None = None
    separator: str = "\t"
    encoding: str = "utf-8"

    def titles(self) -> dict[str, str] | None:
        """Token -> title; None where there is no file, or none asked for and no column like one.

        A file is read once as long as it stays the same.

        Raises:
            DataError: the file, or the column asked for, is missing or malformed.
        """
        if self.title_field == "":
            return None
        try:
            state = self.path.stat()
        except OSError as error:
            if self.title_field is None and isinstance(error, FileNotFoundError):
                return None
            raise DataError(f"{self.path}: cannot be read ({error.strerror})") from error
        return _read(self, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _read(file: ItemFile, changed: int, size: int) -> dict[str, str] | None:
    lines = _lines(file)
    number, header = next(lines, (1, ""))
    fields = _fields(file, number, header)
    title_field = _title_field(file, number, fields)
    if title_field is None:
        return None
    item, title = fields.index(file.item_field), fields.index(title_field)
    titles: dict[str, str] = {}
    for number, line in lines:
        row = _cells(file, number, line, len(fields))
        if titles.setdefault(row[item], row[title]) != row[title]:
            raise _malformed(file, number, f"item {show(row[item])} has another title before")
    return {token: title for token, title in titles.items() if title}


def _lines(file: ItemFile) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    try:
        raw = file.path.read_bytes()
    except OSError as error:
        raise DataError(f"{file.path}: cannot be read ({error.strerror})") from error
    try:
        text = raw.decode(file.encoding)
    except UnicodeDecodeError as error:
        line = 1 + raw[: error.start].decode(file.encoding, "replace").count("\n")
        raise _malformed(file, line, f"not {file.encoding} ({error.reason})") from error
    text = text.removeprefix("\ufeff")  # a byte order mark
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    yield from ((number, line) for number, line in enumerate(lines, 1) if line)


def _fields(file: ItemFile, number: int, header: str) -> list[str]:
    """The names of the columns: each cell of the header is ``name:type``."""
    cells = header.split(file.separator)
    names = [cell.rpartition(":")[0] for cell in cells]
    for name, cell in zip(names, cells, strict=True):
        if not name:
            raise _malformed(file, number, f"the header's {show(cell)} is not 'name:type'")
        if names.count(name) > 1:
            raise _malformed(file, number, f"column {show(name)} is there twice")
    if file.item_field not in names:
        raise _malformed(file, number, f"no column {show(file.item_field)}")
    return names


def _title_field(file: ItemFile, number: int, fields: list[str]) -> str | None:
    if file.title_field is None:
        return next((name for name in TITLE_FIELDS if name in fields), None)
    if file.title_field not in fields:
        near = nearest(file.title_field, fields) or f"; it has {', '.join(fields)}"
        raise _malformed(file, number, f"no column {show(file.title_field)}{near}")
    return file.title_field


def _cells(file: ItemFile, number: int, line: str, width: int) -> list[str]:
    cells = line.split(file.separator)
    if len(cells) == width:
        return [_unquoted(cell) for cell in cells]
    if '"' in line and len(file.separator) == 1:  # separators between quotes separate nothing
        cells = next(csv.reader([line], delimiter=file.separator))
    if len(cells) != width:
        raise _malformed(file, number, f"{len(cells)} columns where the header has {width}")
    return cells


def _unquoted(cell: str) -> str:
    """A cell without the quotes that CSV writers put around it; a title's own quotes stay."""
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def _malformed(file: ItemFile, number: int, why: str) -> DataError:
    return DataError(f"{file.path}, line {number}: {why}; {_WAY_OUT}")
