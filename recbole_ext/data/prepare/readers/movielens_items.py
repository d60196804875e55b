"""Titles and genres of films: movies.dat, movies.csv or u.item beside MovieLens' ratings."""

from __future__ import annotations

from collections.abc import Sequence

from recbole_ext.data.prepare.items import ItemTable, clean
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.table import split_rows

_NO_GENRES = "(no genres listed)"
# The flags of u.item from its 6th field on, as its README lists them.
_U_GENRES = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|"
    "Film-Noir|Horror|Musical|Mystery|Romance|Sci-Fi|Thriller|War|Western"
)
# By the ratings' ending: the file, its separator and its number of fields.
_FILES = {
    "ratings.dat": ("movies.dat", "::", 3),
    "ratings.csv": ("movies.csv", ",", 3),
    "u.data": ("u.item", "|", 5 + 19),
}


def read_items(ratings: Source) -> ItemTable | None:
    """What lies beside the ratings, None if nothing does.

    Raises DataError with the line of a malformed row.
    """
    found = next((file for end, file in _FILES.items() if ratings.name.startswith(end)), None)
    source = ratings.beside(found[0], latin1=True) if found else None
    if found is None or source is None:
        return None
    _, separator, width = found
    table = ItemTable(("title:token_seq", "genres:token_seq"))
    for line, row in split_rows(source, separator, quoted=separator == ","):
        if len(row) != width:
            raise source.error(line, f"has {len(row)} fields, {width} are needed")
        if row[0] == "movieId":
            continue
        if row[0] in table.rows:
            raise source.error(line, f"film {row[0]!r} was there already")
        table.rows[row[0]] = (clean(row[1]), " ".join(_genres(row)))
    return table


def _genres(row: Sequence[str]) -> list[str]:
    if len(row) == 3:
        return [clean(name) for name in row[2].split("|") if name != _NO_GENRES]
    return [name for name, flag in zip(_U_GENRES.split("|"), row[5:], strict=True) if flag == "1"]
