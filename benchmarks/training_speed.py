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
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.launch import launch
from benchmarks.machine import describe_machine, usable_cores
from benchmarks.peers.protocol import Task
from benchmarks.registry import BASE, PEERS
from recbole_ext.data.catalog import missing_data_message
from recbole_ext.errors import DataError, UserError

BUNDLED = "ml-100k"  # lies in RecBole's wheel
DEFAULT_DATASETS = [("ml-1m", 200), ("beauty-5core", 50)]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if a peer failed, 2 for a user's mistake, 130 if interrupted."""
    args = _parser().parse_args(argv)
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


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every chosen peer on every data set; the report is written after each."""
    for dataset, _ in args.datasets:
        _check_exists(Path(args.data_path), dataset)
    results: dict[str, Any] = {
        "machine": describe_machine(args.threads),
        "base": PEERS[args.base].title,
        "datasets": [],
    }
    for dataset, max_length in args.datasets:
        entry: dict[str, Any] = {"dataset": dataset, "max_length": max_length, "peers": []}
        results["datasets"].append(entry)
        for key in args.peers:
            measured = [*entry["peers"], _measure_peer(args, key, dataset, max_length)]
            entry["peers"] = report.with_ratios(measured, args.base)
            report.write(results, Path(args.out))
    return results


def _measure_peer(
    args: argparse.Namespace, key: str, dataset: str, max_length: int
) -> dict[str, Any]:
    peer = replace(PEERS[key], python=dict(args.python).get(key, PEERS[key].python))
    print(f"{dataset}, L = {max_length}: {peer.title} ...", file=sys.stderr, flush=True)
    task = Task(
        data_path=str(Path(args.data_path).resolve()),
        dataset=dataset,
        max_length=max_length,
        epochs=args.epochs,
        batches=args.batches,
        batches_as_shipped=args.batches_as_shipped,
        args=peer.args,
    )
    return {"key": key, "title": peer.title, **launch(peer, task, args.threads)}


def _check_exists(data_path: Path, dataset: str) -> None:
    atomic = data_path / dataset / f"{dataset}.inter"
    if dataset != BUNDLED and not atomic.is_file():
        raise DataError(missing_data_message(dataset, atomic))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_speed", description=__doc__
    )
    add = parser.add_argument
    add("--datasets", nargs="+", type=_dataset, default=DEFAULT_DATASETS, metavar="NAME:LENGTH",
        help="default: ml-1m:200 beauty-5core:50")  # fmt: skip
    add("--data_path", default="dataset", help="where the folders of atomic files lie")
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER",
        help=f"of {', '.join(PEERS)}; default: all")  # fmt: skip
    add("--base", choices=PEERS, default=BASE, metavar="PEER", help=f"default: {BASE}")
    add("--epochs", type=_positive, default=3, help="timed epochs of recbole_ext's models")
    add("--batches", type=_positive, default=12, help="timed batches of RecBole's SASRec")
    add("--batches_as_shipped", type=_positive, default=3,
        help="the same with anomaly detection on")  # fmt: skip
    add("--threads", type=_positive, default=usable_cores(), help="default: every core")
    add("--python", nargs="+", type=_interpreter, default=[], metavar="PEER=PATH",
        help="interpreters of peers that need an environment of their own")  # fmt: skip
    add("--out", default="results", help="folder of the report")
    return parser


def _dataset(text: str) -> tuple[str, int]:
    name, _, length = text.partition(":")
    if not name or not length.isdecimal() or int(length) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:LENGTH, such as ml-1m:200")
    return name, int(length)


def _interpreter(text: str) -> tuple[str, str]:
    key, _, path = text.partition("=")
    if key not in PEERS or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not PEER=PATH")
    return key, str(Path(path).absolute())


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
