"""The subcommand `recbole_ext compare FILE`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from recbole_ext.imports import add_argument as add_import

HELP = """\
Run what an experiment file asks for and is not there yet, then write the tables.

Interrupted or killed, the same command goes on where it stopped: a finished job is kept, an
unfinished one resumed. A job that fails does not stop the others, nor do a table's figures; it is
named at the end, and the exit code is then 1. The form of the file is told in
recbole_ext/experiment/file.py.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    add = parser.add_argument
    parser.description = HELP
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add("experiment", help="a YAML file, or the name of one in properties/experiment")
    add("--quick", action="store_true", help="the file's quick variant")
    add("--data_path", default="dataset", help="where the folders of atomic files lie")
    add("--runs", type=Path, help="folder of the run folders (default: saved/<name>)")
    add("--out", type=Path, help="folder of the results (default: results/<name>)")
    add("--jobs", nargs="+", default=[], metavar="JOB", help="run only these")
    add("--tables", nargs="+", default=[], metavar="TABLE", help="run only these tables' jobs")
    add("--seeds", nargs="+", type=int, default=[], help="default: the file's")
    add("--workers", type=int, default=1, help="jobs at a time; they share the cores")
    add("--ray", action="store_true", help="run on Ray: RAY_ADDRESS's cluster, or this machine")
    add_import(parser)


def main(args: argparse.Namespace) -> int:
    """Run the comparison; returns the exit code."""
    from recbole_ext.experiment.compare import compare

    return compare(args)
