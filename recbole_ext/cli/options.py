"""Options of the command line that argparse cannot use, each told in one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from recbole_ext.errors import nearest, show


class Parser(argparse.ArgumentParser):
    """argparse's, without its usage before an error. Parsers of its commands are of this class."""

    def error(self, message: str) -> NoReturn:
        """One line on stderr, exit code 2."""
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def unknown_option(parser: argparse.ArgumentParser, rest: Sequence[str]) -> str:
    """What to say of the first of the words that no option takes."""
    name, _, _ = rest[0].partition("=")
    if not name.startswith("-"):
        return f"{show(rest[0])} is one word too many"
    known = [option for action in parser._actions for option in action.option_strings]
    return f"no option {show(name)}{nearest(name, known)}"
