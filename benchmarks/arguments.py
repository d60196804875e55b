"""What the benchmarks' command lines have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.registry import Peer
from recbole_ext.cores import usable_cores


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def dataset(text: str) -> tuple[str, int]:
    """A data set and the longest input: ``NAME:LENGTH``."""
    name, _, length = text.partition(":")
    if not name or not length.isdecimal() or int(length) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:LENGTH, such as ml-1m:200")
    return name, int(length)


def interpreter(text: str, peers: dict[str, Peer]) -> tuple[str, str]:
    """A peer and the interpreter of its environment: ``PEER=PATH``."""
    key, _, path = text.partition("=")
    if key not in peers or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not PEER=PATH")
    return key, str(Path(path).absolute())


def add_threads_and_out(parser: argparse.ArgumentParser) -> None:
    """``--threads`` and ``--out``."""
    parser.add_argument(
        "--threads", type=positive, default=usable_cores(), help="default: every core"
    )
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the report")
