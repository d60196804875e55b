"""The report on training speed: from figures to ratios, a table, and two files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.tables import number

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
RATIOS = {
    "epoch": "seconds_per_epoch",
    "target": "microseconds_per_target",
    "memory": "peak_rss_gb",
}


def with_ratios(peers: list[dict[str, Any]], base: str) -> list[dict[str, Any]]:
    """The peers of one data set, each with its time per target and ``base`` divided by it.

    Where a peer or the base has no figures, neither has the ratio.
    """
    timed = [_with_time_per_target(peer) for peer in peers]
    found = tables.base_of(timed, base)
    return [p if "error" in p else p | {"ratios": tables.ratios(p, found, RATIOS)} for p in timed]


def _with_time_per_target(peer: dict[str, Any]) -> dict[str, Any]:
    if "error" in peer:
        return peer
    seconds = peer["seconds_per_epoch"] / peer["targets_per_epoch"]
    return peer | {"microseconds_per_target": 1e6 * seconds}


def write(results: dict[str, Any], out: Path, name: str = NAME) -> None:
    """``<name>.json`` and ``.md`` in ``out``."""
    tables.write(out, name, results, markdown(results, name))


def markdown(results: dict[str, Any], name: str = NAME) -> str:
    """The whole report."""
    every = [peer for entry in results["datasets"] for peer in entry["peers"]]
    machine = tables.machine_line(results["machine"], every)
    parts = [
        f"# {name.replace('_', ' ').capitalize()}",
        machine,
        f"Base: {results['base']}.\n{HOW_TO_READ}",
    ]
    for entry in results["datasets"]:
        peers = entry["peers"]
        parts += [f"## {entry['dataset']}, L = {entry['max_length']}", tables.data_line(peers)]
        parts += [table(peers), tables.settings_lines(peers)]
    return "\n\n".join(filter(None, parts)) + "\n"


def table(peers: list[dict[str, Any]]) -> str:
    """One row a peer."""
    return tables.grid(HEADERS, [_row(peer) for peer in peers])


def _row(peer: dict[str, Any]) -> list[str]:
    if "error" in peer:
        return tables.failed(HEADERS, peer["title"], f"failed: {peer['error']}")
    ratios = peer["ratios"] or {}
    return [
        peer["title"],
        number(peer["seconds_per_epoch"]),
        number(ratios.get("epoch")),
        f"{peer['targets_per_epoch']:,}",
        number(peer["microseconds_per_target"]),
        number(ratios.get("target")),
        number(peer["preparation_seconds"]),
        number(peer["peak_rss_gb"]),
        number(ratios.get("memory")),
        f"{peer['parameters']:,}",
        peer["measured"],
    ]
