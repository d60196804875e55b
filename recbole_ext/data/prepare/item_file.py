"""Any table of items, such as their titles, on its way to the atomic file of items."""

from __future__ import annotations

from dataclasses import dataclass

from recbole_ext.data.prepare.cleaning import Cleaner, left_out_lines
from recbole_ext.data.prepare.item_values import convert, settle
from recbole_ext.data.prepare.items import ItemTable, clean
from recbole_ext.data.prepare.log import FieldError, shorten
from recbole_ext.data.prepare.readers.columns import find_separator, place_of, split_line
from recbole_ext.data.prepare.settings import ItemColumns
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.spaces import ClashError
from recbole_ext.data.prepare.table import check_width, first_line, split_rows
from recbole_ext.errors import DataError, nearest

_ITEM_ID = "item_id"
_NAMES = (_ITEM_ID, "user_id", "rating", "timestamp")  # of the interactions


@dataclass(frozen=True)
class _Column:
    """A column to write: its name there, its place from 0, RecBole's type, None where not given."""

    name: str
    place: int
    kind: str | None


@dataclass(frozen=True)
class FoundItems:
    """A file of items. id: the item's place; width: fields in a line; notes: for the report."""

    source: Source
    separator: str
    width: int
    id: int
    columns: tuple[_Column, ...]
    notes: tuple[str, ...] = ()

    @property
    def quoted(self) -> bool:
        return self.separator != "\t"


def find_items(
    wanted: ItemColumns, item_col: str | None, encoding: str | None = None
) -> FoundItems:
    """The file and its columns, by its header alone.

    item_col: the interactions' column of the item, by name or number.
    Raises DataError: a file or a column that is not there, or cannot be written.
    """
    source = Source(wanted.path, encoding=encoding)
    if source.is_parquet:
        raise DataError(f"{source.label}: is a Parquet file, a CSV or TSV of items is needed")
    return _find(source, wanted, item_col)


def read_items(table: FoundItems, log: Cleaner) -> ItemTable:
    """The rows of all items in the file.

    log: the interactions' own cleaner: its options hold here too, and an id that would be written
    as another one of the interactions is refused.
    Raises DataError: the line of a malformed row, or of an item's second one that differs.
    """
    source = table.source
    rows = _Rows(table, log)
    lines = split_rows(source, table.separator, table.quoted, rows.cleaner)
    next(lines, None)  # the header
    for line, row in lines:
        rows.take(line, row)
    if not rows.values:
        raise DataError(f"{source.label}: has no row of an item that can be used")
    kinds, values = settle([one.kind for one in table.columns], rows.values)
    names = tuple(f"{one.name}:{kind}" for one, kind in zip(table.columns, kinds, strict=True))
    notes = (*left_out_lines(source.label, rows.cleaner.left_out, rows.read), *table.notes)
    return ItemTable(names, values, ", ".join(names), notes)


class _Rows:
    """Collects the rows. values: texts by token; read: how many rows were not left out."""

    def __init__(self, table: FoundItems, log: Cleaner) -> None:
        self.table, self.cleaner = table, Cleaner(log.cleaning)
        own = log.vocabularies.get("item")
        self.vocabulary = log.cleaning.vocabulary("item") if own is None else own
        self.values: dict[str, tuple[str, ...]] = {}
        self.lines: dict[str, int] = {}
        self.read = 0

    def take(self, line: int, row: list[str]) -> None:
        """Add a row. Raises DataError where it is malformed and is not to be left out."""
        table = self.table
        try:
            check_width(row, table.width, "the header")
            self._add(line, row)
        except ClashError as clash:
            first = first_line(table.source, table.separator, table.quoted, table.id, clash)
            here = first is not None and first < line
            place = f"line {first}" if here else "the interactions"
            raise table.source.error(line, str(clash.beside(place))) from None
        except FieldError as error:
            self.cleaner.refuse(table.source, line, error)

    def _add(self, line: int, row: list[str]) -> None:
        raw, spaces = row[self.table.id], self.cleaner.cleaning.spaces or "_"
        _ = self.vocabulary[raw]  # checks it
        token = self.vocabulary.written(raw)
        columns = self.table.columns
        values = tuple(convert(row[one.place], one.kind, one.name, spaces) for one in columns)
        if self.values.setdefault(token, values) != values:
            reason = f"has other values than line {self.lines[token]}"
            raise FieldError(f"item {shorten(token)} {reason}", "another row of an item")
        self.lines.setdefault(token, line)
        self.read += 1


def _find(source: Source, wanted: ItemColumns, item_col: str | None) -> FoundItems:
    """Where the columns are, by the header. Raises DataError."""
    header = source.head(1)[0]
    item = item_col if item_col and not item_col.isdecimal() else _ITEM_ID
    given = [name for name, _ in wanted.columns]
    separator = find_separator(header, [wanted.id or item, _ITEM_ID, *given])
    names = split_line(header, separator)
    id_ = _id_column(source, names, wanted.id, item)
    notes: list[str] = []
    pairs = wanted.columns or _others(source, names, id_, notes)
    columns = tuple(
        _Column(clean(name), place_of(source, names, name), kind) for name, kind in pairs
    )
    _check_names(source, [one.name for one in columns])
    place = names.index(id_)
    return FoundItems(source, separator, len(names), place, columns, tuple(notes))


def _id_column(source: Source, names: list[str], given: str | None, item: str) -> str:
    """The name of the item's column: the one given, else the interactions' or `item_id`."""
    for name in (given,) if given else (item, _ITEM_ID):
        if name in names:
            place_of(source, names, name)  # it stands there once
            return str(name)
    wanted = given or item
    reason = f"has no column {wanted!r}{nearest(wanted, names)}; it has {', '.join(names[:20])}"
    raise DataError(f"{source.label}: {reason}; name the item's by --items_id_col")


def _others(
    source: Source, names: list[str], id_: str, notes: list[str]
) -> list[tuple[str, str | None]]:
    """All columns that have a name of their own; a note on those that have not."""
    others = [name for name in names if name.strip() and name != id_]
    odd = [name for name in others if _fault(clean(name))]
    if odd:
        why = _fault(clean(odd[0]))
        notes.append(f"columns of {source.label} not written: {', '.join(odd)} ({why})")
    return [(name, None) for name in others if name not in odd]


def _check_names(source: Source, names: list[str]) -> None:
    """Raises DataError for names that cannot be in one atomic file."""
    if not names:
        raise DataError(f"{source.label}: has no column to write but the item's")
    for name in names:
        fault = _fault(name) or ("is there twice" if names.count(name) > 1 else "")
        if fault:
            raise DataError(f"{source.label}: column {name!r} {fault}; see --items_cols")


def _fault(name: str) -> str:
    """Why no column of items can have this name."""
    if ":" in name:
        return "has a ':', which RecBole puts before the type"
    return "is the name of a column of the interactions" if name in _NAMES else ""
