"""`UserID::MovieID::Rating::Timestamp`: MovieLens 1M and 10M, ratings.dat."""

from __future__ import annotations

from recbole_ext.data.prepare.log import FieldError, Log, LogBuilder, number
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.source import Source


def read(source: Source) -> Log:
    """Read all ratings in the file's order, which stays the order of ties in time."""
    builder = LogBuilder()
    for line_number, line in source.lines():
        fields = line.split("::")
        if len(fields) != 4:
            reason = f"has {len(fields)} fields, 'user::item::rating::timestamp' has 4"
            raise source.error(line_number, reason)
        user, item, rating, timestamp = fields
        try:
            builder.add(user, item)
            builder.ratings.append(number(rating, "rating"))
            builder.timestamps.append(number(timestamp, "timestamp"))
        except FieldError as error:
            raise source.error(line_number, str(error)) from None
    return builder.build()


def matches(head: list[str]) -> bool:
    """Three `::` in the first line; a line that differs later is refused with its number."""
    return head[0].count("::") == 3


READER = Reader(read=read, matches=matches, file_names=("ratings.dat",))
