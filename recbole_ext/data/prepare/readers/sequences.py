"""`user item item ...`: one line per user, in chronological order (S3-Rec's files)."""

from __future__ import annotations

from recbole_ext.data.prepare.log import FieldError, Log, LogBuilder
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.source import Source

_NOT_A_TOKEN = ("{", "[", "<", "#")


def read(source: Source) -> Log:
    """Read the lines of all users; the timestamp is the place in the line, from 0."""
    builder = LogBuilder()
    first_line: dict[str, int] = {}
    for number, line in source.lines():
        user, *items = line.split()
        if not items:
            raise source.error(number, f"user {user!r} has no items")
        if first_line.setdefault(user, number) != number:
            raise source.error(number, f"user {user!r} had line {first_line[user]} already")
        try:
            builder.add_history(user, items)
        except FieldError as error:
            raise source.error(number, str(error)) from None
    return builder.build()


def matches(head: list[str]) -> bool:
    """A new user in most lines, items in at least half, and no columns of another format.

    A stray line does not decide: reading it names its number.
    """
    if head[0][0] in _NOT_A_TOKEN or "::" in head[0] or "," in head[0].split()[0]:
        return False
    rows = [line.split() for line in head]
    users = {row[0] for row in rows}
    if len(users) < len(rows) and len({len(row) for row in rows}) == 1:
        return False  # a table: users come again, and all lines are of one length
    return 2 * len(users) > len(rows) and 2 * sum(len(row) > 1 for row in rows) >= len(rows)


READER = Reader(read=read, matches=matches, filtered=True)
