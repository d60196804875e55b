"""Times as raw files write them, as seconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from recbole_ext.data.prepare.log import FieldError, number, shorten
from recbole_ext.errors import DataError, show

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
# 100 billion seconds are the year 5138: larger times count something smaller.
LARGEST_SECONDS = 1e11


def iso_seconds(text: str, column: str = "timestamp") -> float:
    """Seconds of an ISO date or time; one without a zone is UTC. Raises FieldError."""
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return zoned.timestamp()
    except (ValueError, OverflowError):
        what = "is not an ISO date" if text.strip() else "is empty"
        message = f"{column} {shorten(text)} is not an ISO date"
        raise FieldError(message, f"{column} {what}") from None


def is_number(text: str) -> bool:
    """Whether a time is a number rather than a date."""
    try:
        number(text, "")
    except FieldError:
        return False
    return True


def is_date(text: str) -> bool:
    """Whether a time is an ISO date."""
    try:
        iso_seconds(text)
    except FieldError:
        return False
    return True


def parse_moment(key: str, value: object) -> float:
    """Seconds of an option's date. Raises DataError."""
    try:
        return iso_seconds(str(value))
    except FieldError:
        raise DataError(f"{key}={show(value)}: a date like 2019-01-01 is needed") from None
