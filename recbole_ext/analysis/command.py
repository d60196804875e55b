"""The subcommand `recbole_ext analyze KIND`. Imports nothing heavy: `--help` has to be quick.

A further kind is a module with ``SUMMARY``, ``TAKES_KEYS`` (whether it takes --key=value settings),
``add_arguments`` and ``main``, and a line of :data:`KINDS`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from recbole_ext.analysis import exposure_command, positions_command, rollouts_command


class Kind(Protocol):
    """What a module of an analysis offers."""

    SUMMARY: str
    TAKES_KEYS: bool
    add_arguments: Callable[[argparse.ArgumentParser], None]
    main: Callable[[argparse.Namespace], int]


KINDS: Mapping[str, Kind] = {
    "exposure": cast(Kind, exposure_command),
    "positions": cast(Kind, positions_command),
    "rollouts": cast(Kind, rollouts_command),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a sub-command for each kind to the parser of `analyze`."""
    kinds = parser.add_subparsers(title="kinds", required=True, metavar="KIND")
    for name, kind in KINDS.items():
        one = kinds.add_parser(name, help=kind.SUMMARY, allow_abbrev=False)
        one.description = kind.SUMMARY
        kind.add_arguments(one)
        one.set_defaults(kind=kind, takes_keys=kind.TAKES_KEYS)


def main(args: argparse.Namespace) -> int:
    """Run the analysis that was named; returns its exit code."""
    kind: Kind = args.kind
    return kind.main(args)
