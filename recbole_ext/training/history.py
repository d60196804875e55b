"""The history of a run: a line for each epoch."""

from __future__ import annotations

from collections.abc import Sequence

FIRST = ("epoch", "loss", "seconds", "learning_rate")  # then the validation's metrics


def to_csv(history: Sequence[dict[str, float]]) -> str:
    """CSV text with a column for each name; what an epoch does not have stays empty."""
    names = list(dict.fromkeys([*FIRST, *(name for epoch in history for name in epoch)]))
    lines = [",".join(_text(epoch.get(name)) for name in names) for epoch in history]
    return "\n".join([",".join(names), *lines]) + "\n"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.8g}"
