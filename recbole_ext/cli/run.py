"""The subcommand `recbole_ext run`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse
from functools import partial

from recbole_ext.imports import add_argument as add_import
from recbole_ext.training.metrics_table import print_run

_DESCRIPTION = """\
Train a model, test its best epoch once, and print the metrics.

Any key of the configuration can be given as --key=value, after RecBole's convention:
  --model=FPARec --dataset=ml-1m --config_files="a.yaml b.yaml" --learning_rate=0.0005
Precedence: RecBole's defaults < properties/ < config files in order < the command line.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    add = partial(parser.add_argument, action="append", default=[])  # twice is refused, as any key
    add("-m", "--model", help="a name that 'recbole_ext models' lists")
    add("-d", "--dataset", help="a folder of atomic files under data_path")
    add("--config_files", help="YAML files, separated by spaces")
    add_import(parser)
    parser.set_defaults(takes_keys=True)


def main(args: argparse.Namespace) -> int:
    """Train, test and print; returns the exit code 0.

    Raises UserError for a user's mistake, which the command line prints as one line.
    """
    from recbole_ext.runner import run

    named = {name: getattr(args, name) for name in ("model", "dataset", "config_files")}
    given = [f"--{name}={value}" for name, values in named.items() for value in values]
    print_run(run(cli_args=[*given, *args.rest]))
    return 0
