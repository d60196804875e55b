"""The subcommand `recbole_ext tune`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from recbole_ext.errors import ConfigError
from recbole_ext.experiment.tune.machine import check_share
from recbole_ext.imports import add_argument as add_import
from recbole_ext.training.metrics_table import print_run

if TYPE_CHECKING:
    from recbole_ext.experiment.tune.sweep import Sweep

_DESCRIPTION = """\
Search for the best settings of a model by Ray Tune with ASHA, on validation alone, then train the
best configuration in full and test it once.

  recbole_ext tune --model=FPARec --dataset=ml-1m
  recbole_ext tune --model=FPARec --dataset=ml-1m --space=my.yaml --trials=32 --workers=2
  recbole_ext tune --resume=SWEEP_DIR
  recbole_ext tune --resume=SWEEP_DIR --trials=64    # more trials than it was begun with

Spaces of the library's models lie in properties/tune. Any key that is not searched can be given as
--key=value, for all trials and the final run. RAY_ADDRESS names a Ray cluster to run on;
recbole_ext and the sweep's folder must be on each of its machines.
"""
_SETTINGS = ("trials", "max_epochs", "grace", "search")
_SHOWN = 10  # trials in the table that ends a sweep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `tune` to its parser."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("-m", "--model", help="a name that 'recbole_ext models' lists")
    add("-d", "--dataset", help="a folder of atomic files under data_path")
    add("--space", metavar="FILE", help="what to search; default: properties/tune/MODEL.yaml")
    add("--config_files", help="YAML files, separated by spaces")
    add("--trials", type=int, help="configurations tried; default: the space's")
    add("--max_epochs", type=int, help="epochs a trial may train; default: the space's")
    add("--grace", type=int, help="epochs before a trial may be stopped; default: the space's")
    add("--search", help="random or optuna; default: the space's")
    add("--workers", type=int, help="trials at once; default: what the machine has room for")
    add("--threads", type=int, help="CPU threads of each; default: the CPUs by the workers")
    add("--sweep_dir", metavar="DIR", help="default: a new one under saved/tune")
    add("--resume", metavar="DIR", help="go on with the sweep of this folder")
    rerun = argparse.BooleanOptionalAction
    add("--rerun", action=rerun, default=True, help="train the best in full at the end")
    add_import(parser)
    parser.set_defaults(takes_keys=True)


def main(args: argparse.Namespace) -> int:
    """Search, print the trials, rerun the best and print its metrics; returns the exit code 0.

    Raises:
        KeyboardInterrupt: after the line that says how to go on.
    """
    check_share(args.workers, args.threads)
    sweep = _taken_up(args) if args.resume else _begun(args)
    print(f"sweep folder: {sweep.folder.path}", file=sys.stderr, flush=True)
    try:
        sweep.search(args.workers, args.threads)
        _print_trials(sweep)
        if args.rerun:
            print_run(sweep.rerun())
        else:
            print(f"to train it in full: recbole_ext tune --resume={sweep.folder.path}")
        return 0
    except KeyboardInterrupt:
        how = f"recbole_ext tune --resume={sweep.folder.path}"
        raise KeyboardInterrupt(how) from None


def _begun(args: argparse.Namespace) -> Sweep:
    from recbole_ext.experiment.tune.plan import Asked
    from recbole_ext.experiment.tune.sweep import begin

    files = (args.config_files or "").split()
    asked = Asked(args.model, args.dataset, files, {}, args.rest)
    return begin(asked, args.space, _settings(args), args.sweep_dir)


def _taken_up(args: argparse.Namespace) -> Sweep:
    from recbole_ext.experiment.tune.sweep import take_up

    given = ("model", "dataset", "space", "config_files", "sweep_dir", *_SETTINGS[1:])
    extra = [f"--{name}" for name in given if getattr(args, name) is not None] + args.rest
    if extra:
        raise ConfigError(f"--resume goes on with what the sweep has: leave out {extra[0]}")
    return take_up(args.resume, args.trials)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(args, name) for name in _SETTINGS}
    return {name: value for name, value in given.items() if value is not None}


def _print_trials(sweep: Sweep) -> None:
    from recbole_ext.experiment.tune.folder import BEST_FILE, TRIALS_TABLE
    from recbole_ext.experiment.tune.screen import table
    from recbole_ext.experiment.tune.state import savings

    if not (sys.stderr.isatty() and sys.stdout.isatty()):  # else the live table stands there
        print(table(sweep.state, _SHOWN))
    print(savings(sweep.state))
    if best := sweep.state.best():  # in full: a table ends where the terminal does
        print(f"trial {best.number}: {', '.join(f'{k}={v}' for k, v in best.values.items())}")
    print(f"all trials: {sweep.folder.file(TRIALS_TABLE)}")
    print(f"best configuration: {sweep.folder.file(BEST_FILE)}", flush=True)
