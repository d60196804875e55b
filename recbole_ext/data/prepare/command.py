"""The subcommand `recbole_ext prepare`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `prepare` to its parser."""
    parser.add_argument("--input", required=True, metavar="FILE", help="raw file, plain or packed")
    parser.add_argument("--dataset", required=True, metavar="NAME", help="name of the data set")
    parser.add_argument("--data_path", default="dataset", metavar="DIR", help="where data sets lie")
    formats = "sequences, pairs or movielens; guessed from the file if not given"
    parser.add_argument("--format", metavar="NAME", help=formats)
    for side in ("user", "item"):
        text = f"drop each {side} with fewer interactions, until nothing changes"
        parser.add_argument(f"--min_{side}", type=int, default=0, metavar="N", help=text)
    parser.add_argument("--overwrite", action="store_true", help="replace a data set that is there")


def main(args: argparse.Namespace) -> int:
    """Prepare a data set and print its statistics; returns the exit code 0.

    Raises DataError for a user's mistake, which the command line prints as one line.
    """
    from recbole_ext.data.prepare.pipeline import prepare

    report = prepare(
        args.input,
        args.dataset,
        data_path=args.data_path,
        format=args.format,
        min_user=args.min_user,
        min_item=args.min_item,
        overwrite=args.overwrite,
    )
    print(report)
    return 0
