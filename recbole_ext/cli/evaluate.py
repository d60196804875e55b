"""The subcommand `recbole_ext evaluate`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse
from textwrap import fill

from recbole_ext.config.keys import GIVEN_ANEW
from recbole_ext.files import checked_output, write_report
from recbole_ext.imports import add_argument as add_import
from recbole_ext.training.metrics_table import metrics_table, tested_epoch

DESCRIPTION = f"""\
Rank validation and test items anew with the best epoch's weights of a run, and print the table that
it ended with. Nothing is written into the run folder.

  recbole_ext evaluate RUN_DIR --topk=1,50,100 --metrics="[Hit, NDCG, ItemCoverage]"
  recbole_ext evaluate RUN_DIR --data_path=/where/the/data/lie/now --out=anew.json

What changes neither the weights nor the data can be given anew, as --key=value:
{fill(", ".join(GIVEN_ANEW), width=100)}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `evaluate` to its parser."""
    parser.description, parser.formatter_class = DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("run_dir", metavar="RUN_DIR", help="run folder of the model")
    parser.add_argument("--out", metavar="FILE", help="write everything as JSON")
    add_import(parser)
    parser.set_defaults(takes_keys=True)


def main(args: argparse.Namespace) -> int:
    """Print the table, write it where asked for; returns the exit code 0.

    Raises UserError for a user's mistake, which the command line prints as one line.
    """
    output = checked_output("--out", args.out)

    from recbole_ext.cores import torch_threads
    from recbole_ext.runner import load
    from recbole_ext.training.results import evaluated

    run = load(args.run_dir, cli_args=args.rest)
    with torch_threads(run.config["torch_threads"]):
        found = evaluated(run)
    print(metrics_table(found))
    if run.metrics:
        print(tested_epoch(run.metrics))
    print(f"run folder: {run.run_dir}")
    if output is not None:
        print(f"written: {write_report(output, found)}")
    return 0
