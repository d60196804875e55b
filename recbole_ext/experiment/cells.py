"""What tables of a report are made of."""

from __future__ import annotations

from dataclasses import dataclass

NOTHING = "–"


@dataclass(frozen=True)
class Cell:
    """What is shown, the number to sort by, whether it is among the best, and what a hint adds."""

    text: str
    value: float | None = None
    best: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: equally long rows below ``headers``, and lines that belong below them."""

    kind: str  # "sparsity", "rank", "quality", "cost", "significance"
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
