"""The command line. Neither torch nor RecBole is imported before a command needs it."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from recbole_ext import __version__
from recbole_ext.errors import INTERRUPTED, UserError, nearest, out_of_memory, show
from recbole_ext.imports import add_argument as add_import
from recbole_ext.imports import import_files
from recbole_ext.metrics_table import metrics_table
from recbole_ext.options import Parser, unknown_option
from recbole_ext.run_folders import add_data_path
from recbole_ext.signals import handling, interrupt

if TYPE_CHECKING:
    from recbole_ext.runner import Run

# Commands of modules with ``add_arguments`` and ``main``: what each does, and where it is.
COMMANDS = {
    "recommend": ("recommend items with a trained model", "recbole_ext.inference.command"),
    "evaluate": (
        "rank with a trained model anew: other metrics, data elsewhere",
        "recbole_ext.evaluate_command",
    ),
    "generate": (
        "predict several items ahead, feeding predictions back",
        "recbole_ext.inference.generation.command",
    ),
    "compare": (
        "run and compare many models on many data sets",
        "recbole_ext.experiment.compare_command",
    ),
    "analyze": ("look into data and results", "recbole_ext.analysis.command"),
    "prepare": ("make RecBole's atomic files from raw ones", "recbole_ext.data.prepare.command"),
    "models": (
        "list the models that can be run, or show one of them",
        "recbole_ext.models_command",
    ),
}

USER_ERROR = 2
# The disk's, or of a path that was given: no bug of ours.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
NO_PATH = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR)

RUN_HELP = """\
Train a model, test its best epoch once, and print the metrics.

Any key of the configuration can be given as --key=value, after RecBole's convention:
  --model=FPARec --dataset=ml-1m --config_files="a.yaml b.yaml" --learning_rate=0.0005
Precedence: RecBole's defaults < properties/ < config files in order < the command line.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (2: the user's mistake, said in one line)."""
    parser, words = _parser(), _words(sys.argv[1:] if argv is None else argv)
    if unknown := _unknown(words):
        print(f"error: {unknown}", file=sys.stderr)
        return USER_ERROR
    args, rest = parser.parse_known_args(words)
    if rest and not args.takes_keys:
        args.parser.error(unknown_option(args.parser, rest))
    args.rest = rest
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        with handling(interrupt, signal.SIGTERM):
            import_files(getattr(args, "imports", ()))  # prepare has none
            return command(args)
    except (Exception, KeyboardInterrupt) as error:
        code = _told(error)
        if code is None:
            raise
        return code


def _told(error: Exception | KeyboardInterrupt) -> int | None:
    """Say in one line what ended a command; its exit code, None for what wants its traceback."""
    if isinstance(error, BrokenPipeError):
        return 0
    if isinstance(error, KeyboardInterrupt):
        how = f"; go on with: {error}" if error.args else _how_to_resume()
        print(f"interrupted{how}", file=sys.stderr)
        return INTERRUPTED
    if isinstance(error, OSError):
        line, code = _of_a_file(error), USER_ERROR
    elif isinstance(error, UserError):
        line, code = str(error), USER_ERROR
    elif isinstance(error, FloatingPointError):
        line, code = str(error), 1
    else:
        line, code = out_of_memory(error), 1
    if line is None:
        return None
    print(f"error: {line}", file=sys.stderr)
    return code


def _of_a_file(error: OSError) -> str | None:
    what = error.filename or "a file"
    if error.errno in NO_PATH:
        return f"{what}: {error.strerror}"
    if error.errno in UNWRITABLE:
        return f"{what} could not be written ({error.strerror}){_how_to_resume()}"
    return None


def _words(argv: Sequence[str]) -> list[str]:
    """`analyze RUN_DIR` names no kind of analysis; the words then get one."""
    from recbole_ext.analysis.command import with_kind

    words = list(argv)
    return [*words[:1], *with_kind(words[1:])] if words[:1] == ["analyze"] else words


def _unknown(words: Sequence[str]) -> str:
    """What to say of a first word that is no command, or nothing."""
    known = ("run", "resume", "tune", *COMMANDS)
    if not words or words[0].startswith("-") or words[0] in known:
        return ""
    return f"no command {show(words[0])}; there are {', '.join(known)}{nearest(words[0], known)}"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="recbole_ext", description="Self-attentive sequential recommendation on RecBole."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_resume(commands)
    _add_tune(commands)
    for name, (summary, place) in COMMANDS.items():
        module: Any = import_module(place)
        module.add_arguments(_add(commands, name, summary, module.main))
    return parser


def _add(
    commands: Any,
    name: str,
    summary: str,
    command: Callable[[argparse.Namespace], int],
    takes_keys: bool = False,
    **options: Any,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, allow_abbrev=False, **{"description": summary, **options}
    )
    parser.set_defaults(command=command, takes_keys=takes_keys, parser=parser)
    return parser


def _add_run(commands: Any) -> None:
    parser = _add(
        commands,
        "run",
        "train and test one model on one data set",
        _run,
        takes_keys=True,
        description=RUN_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = partial(parser.add_argument, action="append", default=[])  # twice is refused, as any key
    add("-m", "--model", help="a name that 'recbole_ext models' lists")
    add("-d", "--dataset", help="a folder of atomic files under data_path")
    add("--config_files", help="YAML files, separated by spaces")
    add_import(parser)


def _add_resume(commands: Any) -> None:
    parser = _add(commands, "resume", "go on with an interrupted run", _resume)
    parser.add_argument("run_dir", help="its run folder")
    add_data_path(parser)
    add_import(parser)


def _add_tune(commands: Any) -> None:
    from recbole_ext.experiment.tune import command

    summary = "search for a model's best settings"
    command.add_arguments(_add(commands, "tune", summary, _tune, takes_keys=True))


def _run(args: argparse.Namespace) -> int:
    from recbole_ext.runner import run

    named = {name: getattr(args, name) for name in ("model", "dataset", "config_files")}
    given = [f"--{name}={value}" for name, values in named.items() for value in values]
    _print_metrics(run(cli_args=[*given, *args.rest]))
    return 0


def _resume(args: argparse.Namespace) -> int:
    from recbole_ext.runner import resume

    _print_metrics(resume(args.run_dir, data_path=args.data_path))
    return 0


def _tune(args: argparse.Namespace) -> int:
    from recbole_ext.experiment.tune import command

    if finished := command.main(args):
        _print_metrics(finished)
    return 0


def _print_metrics(finished: Run) -> None:
    """What ends a run on the terminal."""
    results = finished.metrics
    print(metrics_table(results))
    print(
        f"best epoch {results['best_epoch']} (of 0 to {results['epochs'] - 1}), "
        f"{results['seconds_per_epoch']:.2f} s an epoch, {results['train_seconds']:.1f} s in all"
    )
    print(f"run folder: {finished.run_dir}")


def _how_to_resume() -> str:
    """Names the run folder of an interrupted run, if one had begun."""
    from recbole_ext.training.run_folder import current_folder

    current = current_folder()
    return f"; go on with: recbole_ext resume {current}" if current else ""
