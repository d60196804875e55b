"""Training speed and memory against peers: ``python -m benchmarks.training_speed``.

Every peer is measured in a process of its own, one after the other; leave the machine alone
meanwhile. A table of ratios is printed and written to ``<out>/training_speed.json`` and ``.md``,
anew after every peer, so that an interrupted run leaves what it has.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks import arguments, report
from benchmarks.arguments import positive
from benchmarks.datasets import check_exists, folder_of
from benchmarks.launch import launch
from benchmarks.machine import describe_machine
from benchmarks.peers.protocol import Task
from benchmarks.registry import BASE, PEERS, Peer
from recbole_ext.errors import UserError

DEFAULT_DATASETS = [("ml-1m", 200), ("beauty-5core", 50)]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if a peer failed, 2 for a user's mistake, 130 if interrupted."""
    args = _parse(argv)
    try:
        results = measure(args)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted; what was measured is in {args.out}", file=sys.stderr)
        return 130
    print(report.markdown(results))
    return int(any("error" in peer for entry in results["datasets"] for peer in entry["peers"]))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """With the peers to run (the named ones, or all that have an interpreter) and the others."""
    parser = _parser()
    args = parser.parse_args(argv)
    args.left_out = [k for k, peer in PEERS.items() if not (peer.python or k in dict(args.python))]
    for key in args.left_out:
        if key == args.base or key in (args.peers or []):
            parser.error(f"the peer {key} needs an interpreter; {_how(key)}")
    if args.peers:
        args.left_out = []
    args.peers = args.peers or [key for key in PEERS if key not in args.left_out]
    return args


def _how(key: str) -> str:
    return f"it has an environment of its own: --python {key}=PATH"


def measure(
    args: argparse.Namespace, peers: dict[str, Peer] = PEERS, name: str = report.NAME
) -> dict[str, Any]:
    """Measure every chosen peer on every data set; the report is written after each."""
    for dataset, _ in args.datasets:
        check_exists(dataset, args.data_path)
    for key in args.left_out:
        print(f"{peers[key].title} is left out; {_how(key)}", file=sys.stderr)
    results: dict[str, Any] = {
        "machine": describe_machine(args.threads),
        "base": peers[args.base].title,
        "datasets": [],
    }
    for dataset, max_length in args.datasets:
        entry: dict[str, Any] = {"dataset": dataset, "max_length": max_length, "peers": []}
        results["datasets"].append(entry)
        for key in args.peers:
            measured = [*entry["peers"], _measure_peer(args, key, peers[key], dataset, max_length)]
            entry["peers"] = report.with_ratios(measured, args.base)
            report.write(results, args.out, name)
    return results


def _measure_peer(
    args: argparse.Namespace, key: str, peer: Peer, dataset: str, max_length: int
) -> dict[str, Any]:
    peer = replace(peer, python=dict(args.python).get(key, peer.python))
    print(f"{dataset}, L = {max_length}: {peer.title} ...", file=sys.stderr, flush=True)
    task = Task(
        data_path=str(folder_of(dataset, args.data_path)),
        dataset=dataset,
        max_length=max_length,
        epochs=args.epochs,
        batches=args.batches,
        batches_as_shipped=args.batches_as_shipped,
        args=peer.args,
    )
    return {"key": key, "title": peer.title, **launch(peer, task, args.threads)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_speed", description=__doc__
    )
    add = parser.add_argument
    add("--datasets", nargs="+", type=arguments.dataset, default=DEFAULT_DATASETS,
        metavar="NAME:LENGTH", help="default: ml-1m:200 beauty-5core:50")  # fmt: skip
    add("--data_path", default="dataset", help="where the folders of atomic files lie")
    add("--peers", nargs="+", choices=PEERS, metavar="PEER",
        help=f"of {', '.join(PEERS)}; default: all that have an interpreter")  # fmt: skip
    add("--base", choices=PEERS, default=BASE, metavar="PEER", help=f"default: {BASE}")
    add("--epochs", type=positive, default=3, help="timed epochs, of peers that can afford them")
    add("--batches", type=positive, default=12, help="timed batches, of peers that cannot")
    add("--batches_as_shipped", type=positive, default=3,
        help="the same with anomaly detection on")  # fmt: skip
    add("--python", nargs="+", type=partial(arguments.interpreter, peers=PEERS), default=[],
        metavar="PEER=PATH", help="for peers in an environment of their own")  # fmt: skip
    arguments.add_threads_and_out(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
