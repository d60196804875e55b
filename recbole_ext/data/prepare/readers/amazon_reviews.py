"""Amazon's reviews as JSON lines: the editions of 2014 and 2018 (as in 5-core files), and 2023."""

from __future__ import annotations

from typing import Any

from recbole_ext.data.prepare.json_lines import Keys, finite, read_json_lines
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.source import Source


def _milliseconds(value: Any, key: str) -> float:
    return finite(value, key) / 1e3


_UNTIL_2018 = Keys("reviewerID", "asin", "overall", "unixReviewTime", finite)
_OF_2023 = Keys("user_id", "parent_asin", "rating", "timestamp", _milliseconds)


def read(source: Source) -> Log:
    """Read all reviews in the file's order, which stays the order of ties: times are days."""
    edition = _OF_2023 if _OF_2023.fit(source.head(1)[0]) else _UNTIL_2018
    return read_json_lines(source, edition)


def matches(head: list[str]) -> bool:
    """An object with the keys of one of the editions in the first line."""
    return _UNTIL_2018.fit(head[0]) or _OF_2023.fit(head[0])


READER = Reader(read=read, matches=matches)
