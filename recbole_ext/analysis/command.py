"""The subcommand `recbole_ext analyze`. Imports nothing heavy: `--help` has to be quick.

A further kind is a module with ``SUMMARY``, ``TAKES_KEYS`` (whether it takes --key=value settings),
``add_arguments`` and ``main``, and a line of :data:`KINDS`. Run folders without the name of a kind
are those of :data:`DEFAULT`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from recbole_ext.analysis import (
    duality_command,
    exposure_command,
    padding_command,
    personalisation_command,
    positions_command,
    rollouts_command,
    runs_command,
    tokens_command,
)
from recbole_ext.errors import nearest
from recbole_ext.imports import add_argument as add_import


class Kind(Protocol):
    """What a module of an analysis offers."""

    SUMMARY: str
    TAKES_KEYS: bool
    add_arguments: Callable[[argparse.ArgumentParser], None]
    main: Callable[[argparse.Namespace], int]


KINDS: Mapping[str, Kind] = {
    "duality": cast(Kind, duality_command),
    "exposure": cast(Kind, exposure_command),
    "padding": cast(Kind, padding_command),
    "personalisation": cast(Kind, personalisation_command),
    "runs": cast(Kind, runs_command),
    "positions": cast(Kind, positions_command),
    "rollouts": cast(Kind, rollouts_command),
    "tokens": cast(Kind, tokens_command),
}
DEFAULT = "runs"

_DESCRIPTION = f"""\
Look into runs, data and results.

  recbole_ext analyze RUN_DIR ... --what={",".join(runs_command.DEFAULT_WHAT)}
  recbole_ext analyze positions --dataset=ml-100k
  recbole_ext analyze rollouts RUN_DIR ... --out=rollouts.png

The first is short for `analyze runs RUN_DIR ...`; `recbole_ext analyze KIND --help` says more.
"""


def with_kind(words: Sequence[str]) -> list[str]:
    """The words after `analyze`, :data:`DEFAULT` put in front where they name no kind.

    What looks like a kind's name misspelt, and is no folder, is left for the parser to refuse.
    """
    named = not words or words[0] in (*KINDS, "-h", "--help") or _is_misspelt(words[0])
    return list(words) if named else [DEFAULT, *words]


def _is_misspelt(word: str) -> bool:
    return word.isalpha() and not os.path.exists(word) and bool(nearest(word, KINDS))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a sub-command for each kind to the parser of `analyze`."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    kinds = parser.add_subparsers(title="kinds", required=True, metavar="KIND")
    for name, kind in KINDS.items():
        one = kinds.add_parser(name, help=kind.SUMMARY, allow_abbrev=False)
        one.description = kind.SUMMARY
        kind.add_arguments(one)
        add_import(one)
        one.set_defaults(kind=kind, takes_keys=kind.TAKES_KEYS, parser=one)


def main(args: argparse.Namespace) -> int:
    """Run the analysis that was named; returns its exit code."""
    kind: Kind = args.kind
    return kind.main(args)
