"""What is known of items, such as titles, on its way to the atomic file of items."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass
class ItemTable:
    """Texts of items by token.

    columns: names with RecBole's types, as in `title:token_seq`; rows: a text per column.
    """

    columns: tuple[str, ...]
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def count(self, tokens: list[str]) -> int:
        """How many of the tokens have a row."""
        return sum(token in self.rows for token in tokens)

    def lines(self, tokens: list[str]) -> list[str]:
        """The lines of the atomic file: the head, and those of the tokens that have a row."""
        head = "\t".join(("item_id:token", *self.columns))
        known = (token for token in tokens if token in self.rows)
        return [head, *("\t".join((token, *self.rows[token])) for token in known)]


def clean(text: str) -> str:
    """A text as one field of an atomic file.

    White space becomes one space. A quotation mark at the start would begin a quoted field for
    RecBole, so such a text gets apostrophes instead.
    """
    text = _SPACE.sub(" ", text).strip()
    return text.replace('"', "'") if text.startswith('"') else text
