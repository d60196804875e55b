"""What each mixer costs: ``python -m benchmarks.mixers``.

The same network trains with every way of mixing positions, each in a process of its own; ratios are
to the dot product. Epochs beyond half a minute are extrapolated from some batches. Writes
``<out>/mixers.json`` and ``.md``, anew after every mixer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import arguments, report, training_speed
from benchmarks.arguments import positive
from benchmarks.registry import MIXER_PEERS
from recbole_ext.errors import UserError

BASE = "dot_product"
NAME = "mixers"


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 1 if a mixer failed, 2 for a user's mistake, 130 if interrupted."""
    args = _parse(argv)
    try:
        results = training_speed.measure(args, MIXER_PEERS, NAME)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted; what was measured is in {args.out}", file=sys.stderr)
        return 130
    print(report.markdown(results, NAME))
    return int(any("error" in peer for entry in results["datasets"] for peer in entry["peers"]))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mixers", description=__doc__)
    add = parser.add_argument
    add("--datasets", nargs="+", type=arguments.dataset, default=[("ml-1m", 200)],
        metavar="NAME:LENGTH", help="default: ml-1m:200")  # fmt: skip
    add("--data_path", default="dataset", help="where the folders of atomic files lie")
    add("--peers", nargs="+", choices=MIXER_PEERS, metavar="MIXER", default=list(MIXER_PEERS),
        help=f"of {', '.join(MIXER_PEERS)}; default: all")  # fmt: skip
    add("--epochs", type=positive, default=1, help="timed epochs, after one that warms up")
    add("--batches", type=positive, default=8, help="timed batches, where an epoch is long")
    arguments.add_threads_and_out(parser)
    return parser.parse_args(
        argv, argparse.Namespace(base=BASE, left_out=[], python=[], batches_as_shipped=1)
    )


if __name__ == "__main__":
    sys.exit(main())
