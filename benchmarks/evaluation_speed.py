"""Speed of the full ranking against RecBole's: ``python -m benchmarks.evaluation_speed``.

Two parts: the test of a data set (loader, model, metrics) and the way from given scores to metrics
alone. Every peer is measured in a process of its own, one after the other; leave the machine alone
meanwhile. Writes ``<out>/evaluation_speed.json`` and ``.md``, anew after every peer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import arguments, evaluation_report
from benchmarks.arguments import positive
from benchmarks.datasets import BUNDLED, check_exists, folder_of
from benchmarks.launch import launch
from benchmarks.machine import describe_machine
from benchmarks.peers.protocol import RankingTask
from benchmarks.registry import MATRIX_PEERS, TEST_PEERS, Peer
from recbole_ext.errors import UserError

PARTS = {"test": TEST_PEERS, "matrix": MATRIX_PEERS}


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
    print(evaluation_report.markdown(results))
    return int(any("error" in peer for part in results["parts"] for peer in part["peers"]))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every peer of the chosen parts; the report is written after each."""
    if "test" in args.parts:
        check_exists(args.dataset[0], args.data_path)
    results: dict[str, Any] = {"machine": describe_machine(args.threads), "parts": []}
    for name in args.parts:
        part: dict[str, Any] = {"part": name, "title": _title(args, name), "peers": []}
        results["parts"].append(part)
        for key, peer in PARTS[name].items():
            measured = [*part["peers"], _measure_peer(args, key, peer)]
            part["peers"] = evaluation_report.with_ratios(measured, next(iter(PARTS[name])))
            evaluation_report.write(results, args.out)
    return results


def _title(args: argparse.Namespace, part: str) -> str:
    name, length = args.dataset
    if part == "test":
        return f"Test of {name}, L = {length}"
    return f"From scores to metrics: {args.batches} matrices [{args.rows:,}, {args.items + 1:,}]"


def _measure_peer(args: argparse.Namespace, key: str, peer: Peer) -> dict[str, Any]:
    print(f"{peer.args['part']}: {peer.title} ...", file=sys.stderr, flush=True)
    # Without a data set to read, RecBole's configuration still wants the name of one.
    name, length = args.dataset if peer.args["part"] == "test" else (BUNDLED, 1)
    task = RankingTask(
        data_path=str(folder_of(name, args.data_path)),
        dataset=name,
        max_length=length,
        passes=args.passes,
        batches=args.batches,
        rows=args.rows,
        items=args.items,
        args=peer.args,
    )
    row = {"key": key, "title": peer.title, "same_scores": peer.args.get("same_scores", False)}
    return row | launch(peer, task, args.threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evaluation_speed", description=__doc__
    )
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
        help="of test, matrix; default: both")  # fmt: skip
    add("--dataset", type=arguments.dataset, default=("beauty-5core", 50), metavar="NAME:LENGTH",
        help="to test on; default: beauty-5core:50")  # fmt: skip
    add("--data_path", default="dataset", help="where the folders of atomic files lie")
    add("--passes", type=positive, default=3, help="the median of them counts")
    add("--batches", type=positive, default=20, help="score matrices")
    add("--rows", type=positive, default=512, help="of a score matrix")
    add("--items", type=_catalogue, default=57_289, help="of a score matrix, 20 or more")
    arguments.add_threads_and_out(parser)
    return parser


def _catalogue(text: str) -> int:
    """Metrics are taken at 20; RecBole cannot rank fewer items."""
    if positive(text) < 20:
        raise argparse.ArgumentTypeError(f"{text!r}: metrics at 20 need 20 items or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
