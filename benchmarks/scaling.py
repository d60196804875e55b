"""How time and memory grow with users, length and items: ``python -m benchmarks.scaling``.

Makes synthetic interactions in a temporary folder, varies one axis at a time from the smallest
cell, and measures recbole_ext's FPARec and RecBole's SASRec, each in a process of its own. Cells
that RecBole cannot hold in memory are left out with the reason. Writes ``<out>/scaling.json`` and
``.md``, anew after every cell.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import scaling_report, synthetic
from benchmarks.arguments import add_threads_and_out, positive
from benchmarks.launch import launch
from benchmarks.machine import describe_machine
from benchmarks.peers.protocol import Task
from benchmarks.registry import SCALING_PEERS, Peer

AXES = ("users", "length", "items")
OTHERS = {
    "users": "{length:,} long, {items:,} items",
    "length": "{users:,} users, {items:,} items",
    "items": "{users:,} users, {length:,} long",
}
RECBOLE_BATCH, RECBOLE_LAYERS, RECBOLE_HEADS = 2048, 2, 2
BATCHES = 4  # of recbole_ext, where an epoch is long
EPOCHS = 2  # where it is not


@dataclass(frozen=True)
class Cell:
    """One size of the data; ``length`` is the model's too."""

    users: int
    length: int
    items: int


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if a peer failed, 2 for a user's mistake, 130 if interrupted."""
    args = _parse(argv)
    try:
        results = measure(args)
    except KeyboardInterrupt:
        print(f"interrupted; what was measured is in {args.out}", file=sys.stderr)
        return 130
    print(scaling_report.markdown(results))
    rows = [row for axis in results["axes"] for row in axis["rows"]]
    return int(any("error" in row and not row["skipped"] for row in rows))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Every axis; a cell that lies on several is measured once."""
    results: dict[str, Any] = {"machine": describe_machine(args.threads), "axes": []}
    known: dict[tuple[Cell, str], dict[str, Any]] = {}
    for axis in AXES:
        cells = cells_along(args, axis)
        title = f"{axis.capitalize()} ({OTHERS[axis].format(**asdict(cells[0]))})"
        entry: dict[str, Any] = {"axis": axis, "title": title, "rows": []}
        results["axes"].append(entry)
        for cell in cells:
            rows = [*entry["rows"], *_measure_cell(args, cell, results["machine"], known)]
            entry["rows"] = scaling_report.with_growth(rows, axis)
            scaling_report.write(results, args.out)
    return results


def cells_along(args: argparse.Namespace, axis: str) -> list[Cell]:
    """The smallest cell, with the values of ``axis`` in its place, rising."""
    smallest = Cell(min(args.users), min(args.length), min(args.items))
    return [replace(smallest, **{axis: value}) for value in sorted(set(getattr(args, axis)))]


def _measure_cell(
    args: argparse.Namespace,
    cell: Cell,
    machine: dict[str, Any],
    known: dict[tuple[Cell, str], dict[str, Any]],
) -> list[dict[str, Any]]:
    missing = [key for key in args.peers if (cell, key) not in known]
    runnable = [key for key in missing if not why_not(key, cell, machine["memory_gb"])]
    for key in set(missing) - set(runnable):
        known[cell, key] = {"error": why_not(key, cell, machine["memory_gb"]), "skipped": True}
    if runnable:
        known.update(_run(args, cell, runnable))
    row = {"cell": asdict(cell)}
    return [
        row | {"key": key, "title": SCALING_PEERS[key].title} | known[cell, key]
        for key in args.peers
    ]


def _run(
    args: argparse.Namespace, cell: Cell, keys: Sequence[str]
) -> dict[tuple[Cell, str], dict[str, Any]]:
    """Make the cell's data, measure the peers on them, and forget them."""
    found = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "synthetic" / "synthetic.inter"
        synthetic.write(path, cell.users, cell.length, cell.items, args.seed)
        for key in keys:
            peer = SCALING_PEERS[key]
            print(f"{cell}: {peer.title} ...", file=sys.stderr, flush=True)
            figures = launch(peer, _task(folder, key, peer, cell), args.threads, args.longest_cell)
            found[cell, key] = figures | {"skipped": False}
    return found


def _task(folder: str, key: str, peer: Peer, cell: Cell) -> Task:
    """RecBole's batches of long sequences take half a minute each: one must do."""
    batches = max(1, 100 // cell.length) if key == "recbole" else BATCHES
    return Task(folder, "synthetic", cell.length, EPOCHS, batches, 0, peer.args)


def why_not(key: str, cell: Cell, memory_gb: float) -> str:
    """Why a cell is left out, or nothing."""
    least = least_memory_gb(cell) if key == "recbole" else 0.0
    if least <= memory_gb:
        return ""
    return f"left out: needs {least:,.0f} GB or more, of {memory_gb:,.0f}"


def least_memory_gb(cell: Cell) -> float:
    """What RecBole's SASRec holds at the same time for certain, in 10^9 bytes.

    Every prefix padded to ``length`` (item ids of 8 bytes, times of 4); for the backward pass the
    attention's probabilities before and after dropout (4 bytes each) and the dropout's mask (1),
    and the logits with their gradient.
    """
    prefixes = cell.users * cell.length * (8 + 4) * cell.length
    batch = min(RECBOLE_BATCH, cell.users * cell.length)
    attention = RECBOLE_LAYERS * RECBOLE_HEADS * batch * cell.length**2 * (4 + 4 + 1)
    return (prefixes + attention + 2 * 4 * batch * cell.items) / 1e9


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    args = parser.parse_args(argv)
    room = min(args.users) * synthetic.per_user(min(args.length))
    if max(args.items) > room:
        parser.error(
            f"--items {max(args.items)}: the smallest data have {room} interactions, so no more "
            "items; raise the smallest of --users or --length"
        )
    return args


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    add = parser.add_argument
    add("--users", nargs="+", type=positive, default=[2_000, 8_000, 32_000])
    add("--length", nargs="+", type=positive, default=[50, 200, 800])
    add("--items", nargs="+", type=positive, default=[1_000, 10_000, 100_000])
    add("--peers", nargs="+", choices=SCALING_PEERS, default=list(SCALING_PEERS), metavar="PEER",
        help=f"of {', '.join(SCALING_PEERS)}; default: all")  # fmt: skip
    add("--longest_cell", type=positive, default=180, help="seconds; a slower peer is stopped")
    add("--seed", type=int, default=0)
    add_threads_and_out(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
