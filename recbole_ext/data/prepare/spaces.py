"""Ids with white space, which no id of an atomic file has: lists of ids are split at it.

RecBole's sequence columns, and histories on the command line, have spaces between ids.
"""

from __future__ import annotations

from recbole_ext.data.prepare.log import FieldError, Vocabulary, check_token, shorten


class ClashError(FieldError):
    """Two different ids that would become one: `other` is the one that came first."""

    def __init__(self, kind: str, other: str, plain: str, token: str) -> None:
        super().__init__(f"{kind} {shorten(plain)} would be {shorten(token)}")
        self.kind, self.other = kind, other

    def beside(self, place: str) -> FieldError:
        """The message with the place of the first id."""
        also = f"as {shorten(self.other)} of {place} would; another --spaces keeps them apart"
        return FieldError(f"{self}, {also}")


class SpacedVocabulary(Vocabulary):
    """A Vocabulary by the ids of the file, of tokens with `spaces` in place of white space.

    White space around an id is dropped, a run of it inside replaced: ids that differ in the amount
    of white space alone are one. changed: the ids that are written otherwise, and how.
    Raises ClashError for an id whose token is another id's, FieldError as Vocabulary does.
    """

    def __init__(self, kind: str, spaces: str) -> None:
        super().__init__(kind)
        self.spaces = spaces
        self.changed: dict[str, str] = {}
        self.merged = 0
        self._codes: dict[str, int] = {}
        self._plain: list[str] = []

    @property
    def tokens(self) -> list[str]:
        return list(self._codes)

    def check(self, token: str) -> None:
        if token not in self:
            check_token(self.kind, self.written(token))

    def __missing__(self, token: str) -> int:
        plain, written = plain_id(token), self.written(token)
        code = self._codes.get(written)
        if code is None:
            check_token(self.kind, written)
            self._codes[written] = code = len(self._codes)
            self._plain.append(plain)
        elif self._plain[code] != plain:
            raise ClashError(self.kind, self._plain[code], plain, written)
        else:
            self.merged += 1
        if token != written:
            self.changed[token] = written
        self[token] = code
        return code

    def written(self, token: str) -> str:
        return self.spaces.join(token.split())


def plain_id(text: str) -> str:
    """An id with single spaces."""
    return " ".join(text.split())
