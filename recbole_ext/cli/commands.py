"""From words to a command. Neither torch nor RecBole is imported before a command needs it."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from recbole_ext import __version__
from recbole_ext.cli.ended import USER_ERROR, told
from recbole_ext.cli.options import Parser, unknown_option
from recbole_ext.errors import nearest, show
from recbole_ext.imports import import_files
from recbole_ext.signals import handling, interrupt

# What each command does, and the module of its ``add_arguments`` and ``main``. A command that takes
# keys of the configuration sets ``takes_keys``; what is no option of its own is then ``args.rest``.
COMMANDS = {
    "run": ("train and test one model on one data set", "recbole_ext.cli.run"),
    "resume": ("go on with an interrupted run", "recbole_ext.cli.resume"),
    "tune": ("search for a model's best settings", "recbole_ext.experiment.tune.command"),
    "recommend": ("recommend items with a trained model", "recbole_ext.inference.command"),
    "evaluate": (
        "rank with a trained model anew: other metrics, data elsewhere",
        "recbole_ext.cli.evaluate",
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
    "models": ("list the models that can be run, or show one of them", "recbole_ext.cli.models"),
}


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
        code = told(error)
        if code is None:
            raise
        return code


def _words(argv: Sequence[str]) -> list[str]:
    """`analyze RUN_DIR` names no kind of analysis; the words then get one."""
    from recbole_ext.analysis.command import with_kind

    words = list(argv)
    return [*words[:1], *with_kind(words[1:])] if words[:1] == ["analyze"] else words


def _unknown(words: Sequence[str]) -> str:
    """What to say of a first word that is no command, or nothing."""
    if not words or words[0].startswith("-") or words[0] in COMMANDS:
        return ""
    known = ", ".join(COMMANDS)
    return f"no command {show(words[0])}; there are {known}{nearest(words[0], COMMANDS)}"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="recbole_ext", description="Self-attentive sequential recommendation on RecBole."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (summary, place) in COMMANDS.items():
        module: Any = import_module(place)
        one = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        one.set_defaults(command=module.main, takes_keys=False, parser=one)
        module.add_arguments(one)
    return parser
