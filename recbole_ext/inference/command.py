"""The subcommand `recbole_ext recommend`. Imports nothing heavy: `--help` has to be quick."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recbole_ext.checked_numbers import positive, whole
from recbole_ext.errors import ConfigError, DataError, show
from recbole_ext.imports import add_argument as add_import
from recbole_ext.inference.asked import Asked, Options
from recbole_ext.run_folders import add_data_path, loaded

_ASKED = (
    (
        "--user",
        "TOKEN[,TOKEN]",
        "known users; may be repeated; one with a comma in double quotes",
    ),
    (
        "--history",
        "ITEMS",
        "a new user's items by spaces, oldest first; may be repeated (numbered from 0)",
    ),
    ("--users_file", "FILE", "known users, one a line; - for stdin"),
    ("--histories_file", "FILE", "histories, one a line; - for stdin"),
)
_HOW = (
    ("--k", "N", "items for each; 10 if not given"),
    ("--on_unknown", "WHAT", "unknown items of a history: error (if not given) or skip"),
    ("--title_field", "NAME", "column of the .item file that holds titles; empty: no titles"),
    ("--format", "NAME", "table, csv or jsonl; if not given as --out ends, else table"),
    ("--batch_size", "N", "users or histories scored at once"),
    ("--max_exposure", "C", "no item fills more places than C times its share of consumption"),
)
_NUMBERS = {"k": whole, "batch_size": whole, "max_exposure": positive}

DESCRIPTION = """\
Recommend items for users of the training data, or for new users by their histories.

  recbole_ext recommend RUN_DIR --user=196,186
  recbole_ext recommend RUN_DIR --history="50 172 181" --history="1 71 588"
  recbole_ext recommend RUN_DIR --users_file=users.txt --k=20 --out=best.csv

Users and items go by the tokens of the data set's own files. Known users are continued from
everything that is known of them, histories from what is given, oldest first.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `recommend` to its parser."""
    parser.description, parser.formatter_class = DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument("run_dir", metavar="RUN_DIR", help="run folder of the model")
    add_asked(parser)
    parser.add_argument("--include_seen", action="store_true", help="recommend seen items too")
    for name, metavar, text in _HOW:
        parser.add_argument(name, metavar=metavar, help=text)
    parser.add_argument(
        "--out", "--output", dest="output", metavar="FILE",
        help="write here, whole or not at all, instead of to stdout",
    )  # fmt: skip
    add_data_path(parser)
    add_import(parser)


def add_asked(parser: argparse.ArgumentParser) -> None:
    """Add the options that name users or histories."""
    for name, metavar, text in _ASKED:
        several = "store" if name.endswith("_file") else "append"
        parser.add_argument(name, metavar=metavar, help=text, action=several)


def main(args: argparse.Namespace) -> int:
    """Recommend and print or write; returns the exit code 0.

    Raises UserError for a user's mistake, which the command line prints as one line.
    """
    from recbole_ext.files import checked_output
    from recbole_ext.inference.output import chosen_format, write

    options = _options(args)
    form = chosen_format(args.format, args.output)
    output = checked_output("--out", args.output, to_stdout=True)
    asked = asked_of(args, "recommend")

    from recbole_ext.inference.recommend import recommend

    answer = recommend(loaded(args.run_dir, args.data_path), asked, options, warn=tell)
    write(answer, form, output)
    return 0


def tell(message: str) -> None:
    """A warning on stderr."""
    print(f"warning: {message}", file=sys.stderr)


def _options(args: argparse.Namespace) -> Options:
    given = read_options(args, ("on_unknown", "title_field", *_NUMBERS), _NUMBERS)
    return Options(exclude_seen=not args.include_seen, **given)


def read_options(
    args: argparse.Namespace,
    names: Iterable[str],
    numbers: Mapping[str, Callable[[str, str], int | float]],
) -> dict[str, Any]:
    """Those of the options that are given, as text, or as the number that ``numbers`` reads."""
    texts = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return {
        name: numbers[name](f"--{name}", text) if name in numbers else text
        for name, text in texts.items()
    }


def given_of(args: argparse.Namespace) -> str:
    """Those of the four options that are given, as words; empty if none is."""
    return " and ".join(name for name, *_ in _ASKED if getattr(args, name[2:]) is not None)


def asked_of(args: argparse.Namespace, command: str) -> Asked:
    """What exactly one of the four options names."""
    names, given = [name for name, *_ in _ASKED], given_of(args)
    if not given or " and " in given:
        which = f"{given} are given" if given else "none is given"
        raise ConfigError(f"{command} needs one of {', '.join(names)}; {which}")
    if args.user is not None:
        users = [user for text in args.user for user in _listed(text)]
        return _users([(user.strip(), "--user") for user in users])
    if args.history is not None:
        places = [f"--history {row}" for row in range(len(args.history))]
        return _histories(list(zip(args.history, places, strict=True)))
    if args.users_file is not None:
        lines = _lines(args.users_file, "one user token a line")
        return _users([(line, place) for line, place in lines if line])
    return _histories(list(_lines(args.histories_file, "one history a line")))


def _listed(text: str) -> list[str]:
    """Tokens between commas; one that has a comma itself stands in double quotes, as in CSV."""
    try:
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    except csv.Error as error:
        raise DataError(f"--user: {show(text)} is no list of user tokens ({error})") from None
    return [token for row in rows for token in row] or [""]


def _users(named: list[tuple[str, str]]) -> Asked:
    for user, place in named:
        if not user:
            raise DataError(f"{place}: an empty user token")
    return Asked([user for user, _ in named], None, [place for _, place in named])


def _histories(named: list[tuple[str, str]]) -> Asked:
    return Asked(None, [text.split() for text, _ in named], [place for _, place in named])


def _lines(file: str, expected: str) -> Iterator[tuple[str, str]]:
    """Each line of a file, stripped, and what an error calls it."""
    name = "stdin" if file == "-" else file
    text = _text(file, name)
    if not text.strip():
        raise DataError(f"{name}: is empty; expected {expected}")
    for number, line in enumerate(text.rstrip("\r\n").split("\n"), 1):
        yield line.strip(), f"{name}, line {number}"


def _text(file: str, name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # a null byte in the name
        raise DataError(f"{name}: cannot be read ({error})") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + raw[: error.start].count(b"\n")
        raise DataError(f"{name}, line {line}: not UTF-8 text ({error.reason})") from error
