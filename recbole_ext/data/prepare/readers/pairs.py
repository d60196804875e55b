"""`user item`: one line per interaction, chronological within a user (SASRec's files)."""

from __future__ import annotations

from recbole_ext.data.prepare.log import FieldError, Log, LogBuilder
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.source import Source


def read(source: Source) -> Log:
    """Read all lines; the timestamp is the place among the user's lines, from 0."""
    builder = LogBuilder()
    for number, line in source.lines():
        fields = line.split()
        if len(fields) != 2:
            raise source.error(number, f"has {len(fields)} fields, 'user item' has 2")
        try:
            builder.add(*fields)
        except FieldError as error:
            raise source.error(number, str(error)) from None
    return builder.build()


def matches(head: list[str]) -> bool:
    """Two fields in every line; or in most lines, if most are of a user who came before."""
    if "," in head[0] or "::" in head[0]:
        return False
    rows = [line.split() for line in head]
    of_two = sum(len(row) == 2 for row in rows)
    return of_two == len(rows) or (2 * of_two > len(rows) >= 2 * len({row[0] for row in rows}))


READER = Reader(read=read, matches=matches, filtered=True)
