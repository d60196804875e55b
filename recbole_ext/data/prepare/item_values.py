"""Values of items as RecBole's types write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from recbole_ext.data.prepare.items import clean
from recbole_ext.data.prepare.log import FieldError, number

_LEADING_ZERO = re.compile(r"[+-]?0\d")  # of a code, such as a bar code, rather than a number
_BETWEEN = "|"


def convert(text: str, kind: str | None, name: str, spaces: str = "_") -> str:
    """A field as one of an atomic file; an empty one stays empty.

    kind: RecBole's type, None for one that `settle` will find; spaces: for the white space in a
    member of a `token_seq`.
    Raises FieldError where a number is needed.
    """
    if kind == "token_seq":
        return clean(" ".join(spaces.join(one.split()) for one in members(text)))
    if kind == "float_seq":
        return " ".join(_number(one, name) for one in members(text))
    text = clean(text)
    return _number(text, name) if kind == "float" and text else text


def members(text: str) -> list[str]:
    """What stands between the `|` of a field, without what is blank."""
    return [one for one in text.split(_BETWEEN) if one.strip()]


def settle(
    kinds: Sequence[str | None], rows: dict[str, tuple[str, ...]]
) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """The types, those that are None found, and the rows written accordingly.

    `float` is what has numbers alone, and one at least; whole numbers that begin with 0 are codes,
    so `token`, as all the rest.
    """
    columns = [list(one) for one in zip(*rows.values(), strict=True)]
    found: list[str] = []
    for place, kind in enumerate(kinds):
        found.append(kind or ("float" if _are_numbers(columns[place]) else "token"))
        if kind is None and found[-1] == "float":
            columns[place] = [_number(text, "") if text else "" for text in columns[place]]
    return found, dict(zip(rows, zip(*columns, strict=True), strict=True))


def _are_numbers(texts: Sequence[str]) -> bool:
    known = [text for text in texts if text]
    if not known or any(map(_LEADING_ZERO.match, known)):
        return False
    try:
        for text in known:
            number(text, "")
    except FieldError:
        return False
    return True


def _number(text: str, name: str) -> str:
    """The shortest text of the same number: Python reads digits that pandas does not."""
    return repr(number(text, name)).removesuffix(".0")
