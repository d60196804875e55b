"""Recommendations, as rows and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended item.

    Attributes:
        user: token of the known user, or None.
        history: index of the history in what was given, from 0, or None.
        rank: 1 is the best.
        item: token.
        score: the model's.
        title: of the item, where the data set has one.
    """

    user: str | None
    history: int | None
    rank: int
    item: str
    score: float
    title: str | None


@dataclass(frozen=True, eq=False)
class Recommendations(Sequence[Recommendation]):
    """All rows of an answer, in the order that was asked, best items first.

    They are held by column; ``for row in recommendations`` makes :class:`Recommendation` s of them.

    Attributes:
        users: tokens of the users asked for; None for histories.
        row: [N] index of the user or history in what was asked.
        rank, item, score: [N] each.
        title: [N] titles, None where an item has none; None where the data set has no titles.
    """

    users: Sequence[str] | None
    row: NDArray[np.int64]
    rank: NDArray[np.int64]
    item: NDArray[np.object_]
    score: NDArray[np.float64]
    title: Sequence[str | None] | None

    @property
    def columns(self) -> list[str]:
        """Names of the columns of :meth:`to_frame` and of the files."""
        who = "history" if self.users is None else "user"
        return [who, "rank", "item", "score", *(["title"] if self.title is not None else [])]

    def __len__(self) -> int:
        return len(self.row)

    @overload
    def __getitem__(self, index: int) -> Recommendation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Recommendation]: ...
    def __getitem__(self, index: int | slice) -> Recommendation | list[Recommendation]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = int(self.row[index])
        return Recommendation(
            user=None if self.users is None else self.users[row],
            history=row if self.users is None else None,
            rank=int(self.rank[index]),
            item=str(self.item[index]),
            score=float(self.score[index]),
            title=None if self.title is None else self.title[index],
        )

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame: ``user`` or ``history``, ``rank``, ``item``, ``score`` and, where the data
        set has titles, ``title``."""
        import pandas as pd

        asked: Any = self.row
        if self.users is not None:
            asked = np.array(self.users, dtype=object)[self.row]
        values = (asked, self.rank, self.item, self.score, self.title)
        return pd.DataFrame(dict(zip(self.columns, values, strict=False)))
