"""What runs are called in a figure: as little as tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def distinct(ways: Sequence[Sequence[str]]) -> list[str]:
    """The first way of naming under which all names differ, else the last."""
    return list(next((names for names in ways if len(set(names)) == len(names)), ways[-1]))


def tested_on(dataset: str, settings: Mapping[str, Any]) -> str:
    """The data set, and what makes its test items other ones: such runs are not comparable."""
    task, holdout, users = (settings.get(key) for key in ("task", "holdout", "eval_users"))
    turned = f", {task}" if task not in (None, "next_item") else ""
    further = f", holdout {holdout}" if holdout not in (None, 1) else ""
    return dataset + turned + further + (f", {users:,} users" if users is not None else "")


def variant_names(found: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(name, digest of the data) -> the name, with the digest's beginning where it has several."""
    variants = set(found)
    counts = Counter(name for name, _ in variants)
    return {
        (name, data): name if counts[name] == 1 else f"{name} ({data[:8]})"
        for name, data in variants
    }
