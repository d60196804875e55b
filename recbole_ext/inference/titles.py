"""Titles of items, read from the data set's ``.item`` file. Imports no torch."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from recbole_ext.data.atomic import AtomicFile, Column, read_header
from recbole_ext.data.atomic.text import open_text
from recbole_ext.errors import DataError, show

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
    try:
        return _titles(file, read_header(AtomicFile(file.path, file.separator, file.encoding)))
    except DataError as error:
        raise DataError(f"{error}; {_WAY_OUT}") from error


def _titles(file: ItemFile, source: AtomicFile) -> dict[str, str] | None:
    item = source.column(file.item_field, "ITEM_ID_FIELD")
    title = _title_column(file, source)
    if title is None:
        return None
    titles: dict[str, str] = {}
    for number, line in _lines(file):
        row = _cells(source, number, line)
        if titles.setdefault(row[item.place], row[title.place]) != row[title.place]:
            problem = f"item {show(row[item.place])} has another title before"
            raise source.error(problem, number)
    return {token: title for token, title in titles.items() if title}


def _title_column(file: ItemFile, source: AtomicFile) -> Column | None:
    if file.title_field is not None:
        return source.column(file.title_field, "title_field")
    columns = {column.name: column for column in source.columns}
    return next((columns[name] for name in TITLE_FIELDS if name in columns), None)


def _lines(file: ItemFile) -> Iterator[tuple[int, str]]:
    """The lines after the header that are not blank, with their numbers."""
    with open_text(file.path, file.encoding) as text:
        text.readline()
        lines = ((number, line.removesuffix("\n")) for number, line in enumerate(text, 2))
        yield from ((number, line) for number, line in lines if line)


def _cells(source: AtomicFile, number: int, line: str) -> list[str]:
    """The fields as they are written: a title may begin with a quote, or be ``None``."""
    cells, width = line.split(source.separator), len(source.columns)
    if len(cells) == width:
        return [_unquoted(cell) for cell in cells]
    if '"' in line and len(source.separator) == 1:  # separators between quotes separate nothing
        cells = next(csv.reader([line], delimiter=source.separator))
    if len(cells) != width:
        raise source.error(f"{len(cells)} columns where the header has {width}", number)
    return cells


def _unquoted(cell: str) -> str:
    """A cell without the quotes that CSV writers put around it; a title's own quotes stay."""
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell
