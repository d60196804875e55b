"""MovieLens' ratings: ratings.dat (1M, 10M), ratings.csv (20M and later), u.data (100K)."""

from __future__ import annotations

from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.readers.movielens_items import read_items
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.table import Layout, read_table

_CSV_HEAD = "userId,movieId,rating,timestamp"
_DAT = Layout("::", 4, "'user::item::rating::timestamp'")
_CSV = Layout(",", 4, f"'{_CSV_HEAD}'", header=True)
_U_DATA = Layout("\t", 4, "'user item rating timestamp'")


def read(source: Source) -> Log:
    """Read all ratings in the file's order, which stays the order of ties in time."""
    first = source.head(1)[0]
    if first == _CSV_HEAD:
        return read_table(source, _CSV)
    return read_table(source, _U_DATA if "\t" in first else _DAT)


def matches(head: list[str]) -> bool:
    """By the first line; a line that differs later is refused with its number."""
    return head[0] == _CSV_HEAD or head[0].count("::") == 3


READER = Reader(
    read=read,
    matches=matches,
    file_names=("ratings.dat", "ratings.csv", "u.data"),
    items=read_items,
)
