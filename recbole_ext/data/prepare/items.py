"""What is known of items, such as titles, on its way to the atomic file of items."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from recbole_ext.errors import DataError

_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass
class ItemTable:
    """Texts of items by token.

    columns: names with RecBole's types, as in `title:token_seq`; rows: a text per column;
    what: these columns in words; notes: what a report says of how they were read.
    """

    columns: tuple[str, ...]
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    what: str = "titles and genres"
    notes: tuple[str, ...] = ()

    def count(self, tokens: list[str]) -> int:
        """How many of the tokens have a row."""
        return sum(token in self.rows for token in tokens)

    def lines(self, tokens: list[str]) -> list[str]:
        """The lines of the atomic file: the head, and those of the tokens that have a row."""
        head = "\t".join(("item_id:token", *self.columns))
        known = (token for token in tokens if token in self.rows)
        return [head, *("\t".join((token, *self.rows[token])) for token in known)]


def check_described(table: ItemTable, tokens: list[str], path: str) -> None:
    """Raises DataError if no item of the interactions has a row."""
    if not table.count(tokens):
        ids = f"{next(iter(table.rows))!r} there, {tokens[0]!r} in the interactions"
        raise DataError(f"{path}: has no item of the interactions: {ids}; see --items_id_col")


def item_lines(table: ItemTable, tokens: list[str], dataset: str) -> list[str]:
    """What a report says of the atomic file of these items."""
    known = table.count(tokens)
    lines = [*table.notes, f"{table.what} of {known:,} items in {dataset}.item"]
    unknown, others = len(tokens) - known, len(table.rows) - known
    if unknown or others:
        lines.append(f"items without a row there: {unknown:,}; rows of other items: {others:,}")
    return lines


def clean(text: str) -> str:
    """A text as one field of an atomic file.

    White space becomes one space. A quotation mark at the start would begin a quoted field for
    RecBole, so such a text gets apostrophes instead.
    """
    text = _SPACE.sub(" ", text).strip()
    return text.replace('"', "'") if text.startswith('"') else text
