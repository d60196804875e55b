"""The text of an atomic file, in blocks of whole lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from recbole_ext.errors import DataError

BLOCK = 1 << 25  # characters read at once; pandas takes some five times that
UNIT = "\x1f"  # stands for a separator that is not one ASCII character


@dataclass(frozen=True)
class Block:
    """Whole lines of a file.

    Attributes:
        text: every line ends in a newline, but perhaps the file's last.
        first: the number of its first line.
    """

    text: str
    first: int


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """The file as text with ``\\n`` for every line end and without a byte order mark.

    Raises:
        DataError: it cannot be opened, or decoded.
    """
    utf_8 = codecs.lookup(encoding).name == "utf-8"
    try:
        with path.open(encoding="utf-8-sig" if utf_8 else encoding) as text:
            yield text
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeError as error:
        raise _undecodable(path, encoding, error) from error


def blocks(text: TextIO, first: int, size: int = 0) -> Iterator[Block]:
    """The rest of ``text``, whose next line is number ``first``."""
    while part := text.read(size or BLOCK):
        whole = part + text.readline()
        yield Block(whole, first)
        first += whole.count("\n")


def is_regular(data: bytes, delimiter: str, width: int) -> bool:
    """Whether every line of ``data``, the last one ended too, has ``width`` plain fields.

    Quotes, null bytes and, where there is one column, lines that may be blank are not plain.
    """
    if width == 1 or b'"' in data or b"\0" in data:
        return False
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == ord("\n"))
    between = np.flatnonzero(array == ord(delimiter))
    if len(between) != len(ends) * (width - 1):
        return False
    table = between.reshape(len(ends), width - 1)
    in_line = (table[1:, 0] > ends[:-1]).all() and (table[:, -1] < ends).all()
    return bool(in_line)


def _undecodable(path: Path, encoding: str, error: UnicodeError) -> DataError:
    """Names the line, where lines can be told apart before they are decoded."""
    reason = getattr(error, "reason", None) or error
    plain = f"not {encoding} text ({reason}); set encoding"
    if "\n".encode(encoding) != b"\n":
        return DataError(f"{path}: {plain}")
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return DataError(f"{path}, line {number}: {plain}")
    return DataError(f"{path}: {plain}")
