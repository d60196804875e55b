"""The formats `prepare` reads: a line each, their code in `readers/<name>.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from recbole_ext.data.prepare.items import ItemTable
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.source import PACKED, Source
from recbole_ext.errors import DataError, nearest

FORMATS: dict[str, str] = {
    "sequences": "'user item item ...', one line per user",
    "pairs": "'user item', one line per interaction",
    "movielens": "ratings.dat, ratings.csv or u.data, or a zip with it",
    "amazon_ratings": "CSV of 'user,item,rating,timestamp'",
    "amazon_reviews": "JSON lines of reviews",
    "yelp": "JSON lines of reviews",
    "columns": "any CSV, TSV or Parquet file, by --user_col, --item_col and --time_col",
}
_HEAD_LINES = 1000


@dataclass(frozen=True)
class Reader:
    """One input format; `readers/<name>.py` holds one as `READER`.

    read: source -> Log, in the file's order; a malformed line raises `source.error(line, reason)`.
    matches: whether these first lines can be of this format.
    file_names: names that tell the format without looking inside, also of members of a zip.
    items: what lies beside the source about items, None if nothing does.
    filtered: files of this format were filtered by whoever published them.
    """

    read: Callable[[Source], Log]
    matches: Callable[[list[str]], bool]
    file_names: tuple[str, ...] = ()
    items: Callable[[Source], ItemTable | None] = lambda source: None
    filtered: bool = False


def get_reader(name: str) -> Reader:
    """The reader of a format. Raises DataError for a name that is none."""
    if name not in FORMATS:
        raise DataError(f"format {name!r} is unknown{nearest(name, FORMATS)}; {_choices()}")
    reader: Reader = import_module(f"recbole_ext.data.prepare.readers.{name}").READER
    return reader


def guess_format(source: Source, usual: str | None = None) -> str:
    """The format that fits the file's name or first lines; `usual`, where more than one fits.

    Raises DataError if none fits, or several and none of them is the usual one.
    """
    by_name = [name for name in FORMATS if _bare_name(source) in get_reader(name).file_names]
    if by_name:
        return by_name[0]
    if source.is_parquet:
        raise DataError(f"{source.label}: is a Parquet file: name its --user_col and --item_col")
    head = source.head(_HEAD_LINES)
    if ":token" in head[0]:
        raise DataError(f"{source.label}: is an atomic file already, it needs no preparation")
    found = [name for name in FORMATS if get_reader(name).matches(head)]
    if usual in found:
        return usual
    if len(found) != 1:
        problem = f"can be {' or '.join(found)}" if found else "is of no known format"
        raise DataError(f"{source.label}: {problem}; name it by --format ({_choices()})")
    return found[0]


def known_file_names() -> tuple[str, ...]:
    """The file names by which a reader knows its file, to find it in a zip."""
    return tuple(name for format_ in FORMATS for name in get_reader(format_).file_names)


def _bare_name(source: Source) -> str:
    name = source.name
    suffix = "." + name.rsplit(".", 1)[-1]
    return name.removesuffix(suffix) if suffix in PACKED else name


def _choices() -> str:
    return "; ".join(f"{name}: {text}" for name, text in FORMATS.items())
