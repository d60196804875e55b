"""Amazon's ratings-only CSV: `user,item,rating,timestamp`.

2014: without a header; 2018: without one, and the item first; 2023: with one, milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import replace

from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.registry import Reader
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.table import Layout, read_table
from recbole_ext.data.prepare.times import is_number

_NAMES = {
    "user": ("user", "user_id", "userid", "reviewerid"),
    "item": ("item", "item_id", "itemid", "asin", "parent_asin", "product_id", "productid"),
    "rating": ("rating", "overall"),
    "time": ("timestamp", "time", "unixreviewtime"),
}
_MILLISECONDS = "parent_asin"  # only the edition of 2023 has these
_PLAIN = Layout(",", 4, "'user,item,rating,timestamp'")
_ITEM = re.compile(r"[A-Z0-9]{10}")
_HEAD_LINES = 1000


def read(source: Source) -> Log:
    """Read all ratings in the file's order, times in seconds."""
    head = source.head(_HEAD_LINES)
    layout = _by_header(head[0])
    if layout is None:
        layout = replace(_PLAIN, user=1, item=0) if _item_first(head) else _PLAIN
    return read_table(source, layout)


def matches(head: list[str]) -> bool:
    """A header of such names, or four fields whose last two are numbers."""
    row = head[0].split(",")
    return _by_header(head[0]) is not None or (len(row) == 4 and all(map(is_number, row[2:])))


def _by_header(line: str) -> Layout | None:
    names = line.lower().split(",")
    places = {
        role: [place for place, name in enumerate(names) if name in allowed]
        for role, allowed in _NAMES.items()
    }
    if len(names) != 4 or any(len(found) != 1 for found in places.values()):
        return None
    user, item, rating, time = (places[role][0] for role in _NAMES)
    unit = "ms" if _MILLISECONDS in names else "s"
    return Layout(",", 4, f"'{line}'", user, item, rating, time, header=True, unit=unit)


def _item_first(head: list[str]) -> bool:
    """Whether the first fields are all of an item's form, and the second ones are not."""
    rows = [line.split(",") for line in head]
    first, second = ([row[place] for row in rows if len(row) == 4] for place in (0, 1))
    return all(map(_ITEM.fullmatch, first)) and not all(map(_ITEM.fullmatch, second))


READER = Reader(read=read, matches=matches)
