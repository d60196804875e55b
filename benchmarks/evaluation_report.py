"""The report on evaluation speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.tables import number

NAME = "evaluation_speed"
METRIC = "ndcg@10"
RATIOS = {"time": "seconds", "user": "microseconds_per_user", "memory": "peak_rss_gb"}
HEADERS = (
    "peer", "s a pass", "slowest, s", "×", "users", "µs a user", "peak GB", "×", "NDCG@10",
    "metrics beside the base's",
)  # fmt: skip
HOW_TO_READ = """\
× is the first row's figure divided by the row's: how many times faster, or how many times less
memory. RecBole ranks with seen items kept, recbole_ext with them kept and masked in the same pass.
Models keep their initial weights: the time does not depend on them. Peak GB is the most physical
memory (10^9 bytes) of the peer's process, preparation of the data included. NDCG@10 is of the
protocol that keeps seen items; where two peers have ranked by the same scores, the last column
compares all their metrics; RecBole rounds its own to four decimals."""


def with_ratios(peers: list[dict[str, Any]], base: str) -> list[dict[str, Any]]:
    """The peers of one part, beside its base; no ratio where either has no figures."""
    timed = [p if "error" in p else p | _time_per_user(p) for p in peers]
    found = tables.base_of(timed, base)
    return [p if "error" in p else p | _beside(p, found) for p in timed]


def _time_per_user(peer: dict[str, Any]) -> dict[str, Any]:
    return {"microseconds_per_user": 1e6 * peer["seconds"] / peer["users"]}


def _beside(peer: dict[str, Any], base: dict[str, Any] | None) -> dict[str, Any]:
    alike = base is not None and peer["same_scores"]
    return {
        "ratios": tables.ratios(peer, base, RATIOS),
        "largest_difference": largest_difference(peer, base) if base and alike else None,
    }


def largest_difference(peer: dict[str, Any], base: dict[str, Any]) -> float:
    """Between metrics of the same name; raises KeyError where the peer lacks one of the base's."""
    own = {name.lower(): value for name, value in peer["metrics"].items()}
    theirs = {name.lower(): value for name, value in base["metrics"].items()}
    return max(abs(own[name] - value) for name, value in theirs.items())


def write(results: dict[str, Any], out: Path) -> None:
    """``evaluation_speed.json`` and ``.md`` in ``out``."""
    tables.write(out, NAME, results, markdown(results))


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    every = [peer for part in results["parts"] for peer in part["peers"]]
    parts = ["# Evaluation speed", tables.machine_line(results["machine"], every), HOW_TO_READ]
    for part in results["parts"]:
        peers = part["peers"]
        parts += [f"## {part['title']}", tables.data_line(peers)]
        parts += [table(peers), tables.settings_lines(peers)]
    return "\n\n".join(filter(None, parts)) + "\n"


def table(peers: list[dict[str, Any]]) -> str:
    """One row a peer."""
    return tables.grid(HEADERS, [_row(peer) for peer in peers])


def _row(peer: dict[str, Any]) -> list[str]:
    if "error" in peer:
        return tables.failed(HEADERS, peer["title"], f"failed: {peer['error']}")
    ratios = peer["ratios"] or {}
    metrics = {name.lower(): value for name, value in peer["metrics"].items()}
    return [
        peer["title"],
        number(peer["seconds"]),
        number(max(peer["every_pass"])),
        number(ratios.get("time")),
        f"{peer['users']:,}",
        number(peer["microseconds_per_user"]),
        number(peer["peak_rss_gb"]),
        number(ratios.get("memory")),
        f"{metrics[METRIC]:.4f}",
        _difference(peer["largest_difference"]),
    ]


def _difference(value: float | None) -> str:
    return tables.NOTHING if value is None else f"differ by {value:.1g} at most"
