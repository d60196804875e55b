"""What the reports have in common: numbers, tables, the machine's line, two files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

NOTHING = "–"


def number(value: float | None) -> str:
    """Three figures that matter."""
    if value is None:
        return NOTHING
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def grid(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table: the first and the last column are words, those between numbers."""
    align = ("left", *["right"] * (len(headers) - 2), "left")
    return tabulate(rows, headers, "github", colalign=align, disable_numparse=True)


def failed(headers: Sequence[str], title: str, why: str) -> list[str]:
    """The row of what has no figures."""
    return [title, *[NOTHING] * (len(headers) - 2), why]


def ratios(
    row: Mapping[str, Any], base: Mapping[str, Any] | None, figures: Mapping[str, str]
) -> dict[str, float] | None:
    """The base's figures divided by the row's; ``figures``: name of the ratio -> key."""
    if base is None:
        return None
    return {name: base[key] / row[key] for name, key in figures.items()}


def base_of(peers: Iterable[dict[str, Any]], key: str) -> dict[str, Any] | None:
    """The peer to compare with, if it has figures."""
    return next((p for p in peers if p["key"] == key and "error" not in p), None)


def machine_line(machine: Mapping[str, Any], peers: Iterable[Mapping[str, Any]]) -> str:
    """Processor, cores, threads, the peers' versions, load."""
    versions: set[str] = set()
    for peer in peers:
        versions |= {f"{name} {number}" for name, number in peer.get("versions", {}).items()}
    python = f"Python {machine['python']}"
    return (
        f"Machine: {machine['cpu']}, {machine['cores']} cores, threads: {machine['threads']}, "
        f"{machine['memory_gb']} GB; {', '.join([python, *sorted(versions)])}; "
        f"load before the run {machine['load_before']}."
    )


def data_line(peers: Iterable[Mapping[str, Any]]) -> str:
    """Sizes of the data; says so if peers have read different ones."""
    read = {tuple(p["data"].items()) for p in peers if "error" not in p}
    lines = [", ".join(f"{count:,} {name}" for name, count in sizes) for sizes in sorted(read)]
    return ("" if len(read) < 2 else "PEERS HAVE READ DIFFERENT DATA: ") + "; ".join(lines)


def settings_lines(peers: Iterable[Mapping[str, Any]]) -> str:
    """What a reader must know to judge the figures, a line a peer."""
    return "\n".join(
        f"- {peer['title']}: " + ", ".join(f"{k} {v}" for k, v in peer["settings"].items())
        for peer in peers
        if "error" not in peer
    )


def write(out: Path, name: str, results: Mapping[str, Any], text: str) -> None:
    """``<name>.json`` and ``.md`` in ``out``, each written beside and renamed."""
    out.mkdir(parents=True, exist_ok=True)
    texts = {"json": json.dumps(results, indent=2, allow_nan=False) + "\n", "md": text}
    for suffix, content in texts.items():
        beside = out / f".{name}.{suffix}.new"
        beside.write_text(content, encoding="utf-8")
        os.replace(beside, out / f"{name}.{suffix}")
