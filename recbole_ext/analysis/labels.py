"""What runs are called in a figure: as little as tells them apart."""

from __future__ import annotations

from collections.abc import Sequence


def distinct(ways: Sequence[Sequence[str]]) -> list[str]:
    """The first way of naming under which all names differ, else the last."""
    return list(next((names for names in ways if len(set(names)) == len(names)), ways[-1]))
