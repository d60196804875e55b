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
from importlib.util import find_spec
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
    """With the peers to run: the named ones, or all that have an interpreter."""
    parser = _parser()
    args = parser.parse_args(argv)
    homeless = [key for key, peer in PEERS.items() if not (peer.python or key in dict(args.python))]
    for key in homeless:
        how = f"it has an environment of its own: --python {key}=PATH"
        if key == args.base or key in (args.peers or []):
            parser.error(f"the peer {key} needs an interpreter; {how}")
        if args.peers is None:
            print(f"{PEERS[key].title} is left out; {how}", file=sys.stderr)
    args.peers = args.peers or [key for key in PEERS if key not in homeless]
    return args


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
        data_path=str(_data_path(args, dataset)),
        dataset=dataset,
        max_length=max_length,
        epochs=args.epochs,
        batches=args.batches,
        batches_as_shipped=args.batches_as_shipped,
        args=peer.args,
    )
    return {"key": key, "title": peer.title, **launch(peer, task, args.threads)}


def _data_path(args: argparse.Namespace, dataset: str) -> Path:
    """For peers that do not know of the data set in RecBole's wheel: where it lies."""
    spec = find_spec("recbole") if dataset == BUNDLED else None
    if spec is None or spec.origin is None:
        return Path(args.data_path).resolve()
    return Path(spec.origin).parent / "dataset_example"


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
    add("--peers", nargs="+", choices=PEERS, metavar="PEER",
        help=f"of {', '.join(PEERS)}; default: all that have an interpreter")  # fmt: skip
    add("--base", choices=PEERS, default=BASE, metavar="PEER", help=f"default: {BASE}")
    add("--epochs", type=_positive, default=3, help="timed epochs, of peers that can afford them")
    add("--batches", type=_positive, default=12, help="timed batches, of peers that cannot")
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
