"""The report on growth: an epoch's time and the peak memory along one axis at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.tables import number

NAME = "scaling"
FIGURES = {
    "epoch": "seconds_per_epoch",
    "target": "microseconds_per_target",
    "memory": "peak_rss_gb",
}
HOW_TO_READ = """\
Synthetic interactions: every user has one full window to train on, so both peers train the same
targets, users × length of them. One axis varies at a time, from the smallest cell of all. × is the
row's figure divided by the one of the axis's smallest value: how it grows. Peak GB is the most
physical memory (10^9 bytes) of the peer's process, its libraries (some 0.4) included."""


def headers(axis: str) -> tuple[str, ...]:
    """Of an axis's table."""
    return (
        "peer", axis, "×", "s an epoch", "×", "µs a target", "×", "preparation, s", "peak GB", "×",
        "measured",
    )  # fmt: skip


def with_growth(rows: Sequence[dict[str, Any]], axis: str) -> list[dict[str, Any]]:
    """The rows of an axis, each beside its peer's row of the smallest value."""
    timed = [row if "error" in row else row | _time_per_target(row) for row in rows]
    return [row if "error" in row else row | {"growth": _growth(row, timed, axis)} for row in timed]


def _time_per_target(row: Mapping[str, Any]) -> dict[str, float]:
    return {"microseconds_per_target": 1e6 * row["seconds_per_epoch"] / row["targets_per_epoch"]}


def _growth(
    row: Mapping[str, Any], rows: Sequence[dict[str, Any]], axis: str
) -> dict[str, float] | None:
    own = [other for other in rows if other["key"] == row["key"]]
    first = min(own, key=lambda other: other["cell"][axis])
    if "error" in first:
        return None
    growth = {name: row[key] / first[key] for name, key in FIGURES.items()}
    return growth | {"axis": row["cell"][axis] / first["cell"][axis]}


def write(results: dict[str, Any], out: Path) -> None:
    """``scaling.json`` and ``.md`` in ``out``."""
    tables.write(out, NAME, results, markdown(results))


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    every = [row for axis in results["axes"] for row in axis["rows"]]
    machine = tables.machine_line(results["machine"], every)
    parts = ["# Growth with users, length and items", machine, HOW_TO_READ]
    for axis in results["axes"]:
        parts += [f"## {axis['title']}", table(axis["rows"], axis["axis"])]
    return "\n\n".join([*parts, tables.settings_lines(_one_a_peer(every))]) + "\n"


def _one_a_peer(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({row["key"]: row for row in reversed(rows) if "error" not in row}.values())


def table(rows: Sequence[dict[str, Any]], axis: str) -> str:
    """One row a peer and value; a peer's rows stand together."""
    keys = list(dict.fromkeys(row["key"] for row in rows))
    ordered = sorted(rows, key=lambda row: (keys.index(row["key"]), row["cell"][axis]))
    return tables.grid(headers(axis), [_row(row, axis) for row in ordered])


def _row(row: Mapping[str, Any], axis: str) -> list[str]:
    value = f"{row['cell'][axis]:,}"
    if "error" in row:
        title, _, *rest = tables.failed(headers(axis), row["title"], row["error"])
        return [title, value, *rest]
    growth = row["growth"] or {}
    return [
        row["title"],
        value,
        number(growth.get("axis")),
        number(row["seconds_per_epoch"]),
        number(growth.get("epoch")),
        number(row["microseconds_per_target"]),
        number(growth.get("target")),
        number(row["preparation_seconds"]),
        number(row["peak_rss_gb"]),
        number(growth.get("memory")),
        row["measured"],
    ]
