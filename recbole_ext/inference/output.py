"""Recommendations as text: a table to read, CSV, JSON lines. Imports no torch."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.files import Folder
from recbole_ext.inference.results import Recommendations


def chosen_format(given: str | None, output: str | None) -> str:
    """The format given, or the one that the output file's name ends in; a table to the terminal.

    Raises:
        ConfigError: unknown, or an ending that says nothing.
    """
    if given is None:
        ending = Path(output).suffix[1:].lower() if output else ""
        if ending in ("", "txt"):
            return "table"
        if ending not in WRITERS:
            raise ConfigError(
                f"--out: {show(output)} ends in no format (.csv, .jsonl, .txt for a table); choose "
                f"one by --format={'|'.join(WRITERS)}"
            )
        return ending
    if given not in WRITERS:
        near = nearest(given, WRITERS)
        raise ConfigError(f"--format: {show(given)} must be {', '.join(WRITERS)}{near}")
    return given


def write(answer: Recommendations, form: str, output: Path | None) -> None:
    """Write to a file, whole or not at all, or to stdout.

    Raises:
        ConfigError: it cannot be written.
        BrokenPipeError: nobody reads stdout any more.
    """
    try:
        if output is None:
            WRITERS[form](answer, sys.stdout)
            sys.stdout.flush()
        else:
            _replace(answer, form, output)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(f"{output or 'stdout'} cannot be written ({error.strerror})") from error


def _replace(answer: Recommendations, form: str, output: Path) -> None:
    with (
        Folder(output.parent).replacing(output.name) as beside,
        beside.open("w", encoding="utf-8", newline="") as file,
    ):
        WRITERS[form](answer, file)


def _rows(answer: Recommendations) -> Iterator[list[Any]]:
    for row in answer:
        who = row.history if answer.users is None else row.user
        yield [who, row.rank, row.item, row.score, row.title][: len(answer.columns)]


def _table(answer: Recommendations, file: IO[str]) -> None:
    from tabulate import tabulate

    rows = [
        [_shown(who), rank, _shown(item), f"{score:.4f}", *map(_shown, title)]
        for who, rank, item, score, *title in _rows(answer)
    ]
    align = ("right", "right", "right", "right", "left")[: len(answer.columns)]
    # Numbers are not parsed: a token such as 1e5 or 007 stays as it is.
    text = tabulate(
        rows, headers=answer.columns, disable_numparse=True, colalign=align if rows else None
    )
    file.write(f"{text}\n")


def _shown(value: Any) -> str:
    """A cell without what a terminal would take for a command."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _csv(answer: Recommendations, file: IO[str]) -> None:
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(answer.columns)
    lines.writerows(_rows(answer))


def _jsonl(answer: Recommendations, file: IO[str]) -> None:
    for row in _rows(answer):
        line = json.dumps(dict(zip(answer.columns, row, strict=True)), ensure_ascii=False)
        file.write(f"{line}\n")


WRITERS: dict[str, Callable[[Recommendations, IO[str]], None]] = {
    "table": _table,
    "csv": _csv,
    "jsonl": _jsonl,
}
