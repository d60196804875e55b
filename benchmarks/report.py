"""From figures to ratios, a table, and two files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tabulate import tabulate

NAME = "training_speed"
HEADERS = (
    "peer", "s an epoch", "×", "targets an epoch", "µs a target", "×",
    "preparation, s", "peak GB", "×", "parameters", "measured",
)  # fmt: skip
HOW_TO_READ = """\
× is the base's figure divided by the row's: how many times faster, or how many times less memory.
An epoch is training alone, without validation. Targets are the items whose prediction is trained
in it: RecBole trains every prefix of every user, `truncate` the newest positions of each user,
`chunk` every target. Preparation goes from the atomic file to the first batch. Peak GB is the most
physical memory (10^9 bytes) of the peer's process, which has done nothing else."""


def with_ratios(peers: list[dict[str, Any]], base: str) -> list[dict[str, Any]]:
    """The peers of one data set, each with its time per target and ``base`` divided by it.

    Where a peer or the base has no figures, neither has the ratio.
    """
    timed = [_with_time_per_target(peer) for peer in peers]
    found = next((p for p in timed if p["key"] == base and "error" not in p), None)
    return [p if "error" in p else p | {"ratios": _ratios(p, found)} for p in timed]


def _with_time_per_target(peer: dict[str, Any]) -> dict[str, Any]:
    if "error" in peer:
        return peer
    seconds = peer["seconds_per_epoch"] / peer["targets_per_epoch"]
    return peer | {"microseconds_per_target": 1e6 * seconds}


def _ratios(peer: dict[str, Any], base: dict[str, Any] | None) -> dict[str, float] | None:
    if base is None:
        return None
    figures = {
        "epoch": "seconds_per_epoch",
        "target": "microseconds_per_target",
        "memory": "peak_rss_gb",
    }
    return {name: base[key] / peer[key] for name, key in figures.items()}


def write(results: dict[str, Any], out: Path) -> None:
    """``training_speed.json`` and ``.md`` in ``out``, each written beside and renamed."""
    out.mkdir(parents=True, exist_ok=True)
    texts = {"json": json.dumps(results, indent=2, allow_nan=False) + "\n", "md": markdown(results)}
    for suffix, text in texts.items():
        beside = out / f".{NAME}.{suffix}.new"
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, out / f"{NAME}.{suffix}")


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    parts = ["# Training speed", machine_line(results), f"Base: {results['base']}.\n{HOW_TO_READ}"]
    for entry in results["datasets"]:
        parts += [f"## {entry['dataset']}, L = {entry['max_length']}", data_line(entry)]
        parts += [table(entry["peers"]), _settings(entry["peers"])]
    return "\n\n".join(filter(None, parts)) + "\n"


def machine_line(results: dict[str, Any]) -> str:
    """Processor, cores, threads, versions, load."""
    machine, versions = results["machine"], set()
    for entry in results["datasets"]:
        for peer in entry["peers"]:
            versions |= {f"{name} {number}" for name, number in peer.get("versions", {}).items()}
    python = f"Python {machine['python']}"
    return (
        f"Machine: {machine['cpu']}, {machine['cores']} cores, threads: {machine['threads']}, "
        f"{machine['memory_gb']} GB; {', '.join([python, *sorted(versions)])}; "
        f"load before the run {machine['load_before']}."
    )


def data_line(entry: dict[str, Any]) -> str:
    """Sizes of the data; says so if peers have read different ones."""
    read = {tuple(p["data"].items()) for p in entry["peers"] if "error" not in p}
    lines = [", ".join(f"{count:,} {name}" for name, count in sizes) for sizes in sorted(read)]
    return ("" if len(read) < 2 else "PEERS HAVE READ DIFFERENT DATA: ") + "; ".join(lines)


def table(peers: list[dict[str, Any]]) -> str:
    """One row a peer."""
    align = ("left", *["right"] * (len(HEADERS) - 2), "left")
    rows = [_row(peer) for peer in peers]
    return tabulate(rows, HEADERS, "github", colalign=align, disable_numparse=True)


def _row(peer: dict[str, Any]) -> list[str]:
    if "error" in peer:
        return [peer["title"], *["–"] * (len(HEADERS) - 2), f"failed: {peer['error']}"]
    ratios = peer["ratios"] or {}
    return [
        peer["title"],
        _number(peer["seconds_per_epoch"]),
        _number(ratios.get("epoch")),
        f"{peer['targets_per_epoch']:,}",
        _number(peer["microseconds_per_target"]),
        _number(ratios.get("target")),
        _number(peer["preparation_seconds"]),
        _number(peer["peak_rss_gb"]),
        _number(ratios.get("memory")),
        f"{peer['parameters']:,}",
        peer["measured"],
    ]


def _number(value: float | None) -> str:
    """Three figures that matter."""
    if value is None:
        return "–"
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def _settings(peers: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"- {peer['title']}: " + ", ".join(f"{k} {v}" for k, v in peer["settings"].items())
        for peer in peers
        if "error" not in peer
    )
