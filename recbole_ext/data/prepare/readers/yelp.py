"""Yelp's reviews as JSON lines: yelp_academic_dataset_review.json."""

from __future__ import annotations

import json
from typing import Any

from recbole_ext.data.prepare.json_lines import Keys, read_json_lines
from recbole_ext.data.prepare.log import FieldError, Log, shorten
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.times import iso_seconds


def _seconds(value: Any, key: str) -> float:
    if not isinstance(value, str):
        raise FieldError(f"{key} {shorten(json.dumps(value))} is not text")
    return iso_seconds(value, key)


_KEYS = Keys("user_id", "business_id", "stars", "date", _seconds)


def read(source: Source) -> Log:
    """Read all reviews in the file's order, times in seconds, taken as UTC."""
    return read_json_lines(source, _KEYS)


def matches(head: list[str]) -> bool:
    """An object with the keys of a review in the first line."""
    return _KEYS.fit(head[0])


READER = Reader(read=read, matches=matches, file_names=("yelp_academic_dataset_review.json",))
