"""The subcommand `recbole_ext resume`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse

from recbole_ext.imports import add_argument as add_import
from recbole_ext.run_folders import add_data_path
from recbole_ext.training.metrics_table import print_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `resume` to its parser."""
    parser.add_argument("run_dir", help="its run folder")
    add_data_path(parser)
    add_import(parser)


def main(args: argparse.Namespace) -> int:
    """Train on, test and print; returns the exit code 0.

    Raises UserError for a user's mistake, which the command line prints as one line.
    """
    from recbole_ext.runner import resume

    print_run(resume(args.run_dir, data_path=args.data_path))
    return 0
