"""Tables of text in chunks of a million rows, by pandas' parser in C.

It knows neither lines nor reasons: whatever looks odd is left to the reading row by row.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from recbole_ext.data.prepare.cleaning import Cleaner
from recbole_ext.data.prepare.log import Log, LogBuilder, Vocabulary
from recbole_ext.data.prepare.source import DAMAGE, Source
from recbole_ext.data.prepare.table import Layout
from recbole_ext.data.prepare.times import UNITS, iso_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK_ROWS = 1 << 20


class _OddError(ValueError):
    """Something only the reading row by row can judge."""


def read_fast(source: Source, layout: Layout, cleaner: Cleaner | None = None) -> Log | None:
    """All rows in the file's order, or None where anything is odd."""
    builder = (cleaner or Cleaner()).start()
    try:
        with source.open() as file:
            separator = layout.separator if layout.quoted else None
            watched, rows = _Watched(file, separator), int(layout.header)
            for frame in _frames(watched, layout):
                _add(builder, frame, layout)
                rows += len(frame)
        watched.end()
        if layout.quoted and watched.quotes and rows != watched.lines:
            raise _OddError  # a row of several lines: a quotation mark may have swallowed some
    except (ValueError, pd.errors.ParserWarning, *DAMAGE):
        return None
    return builder.build()


def _frames(file: _Watched, layout: Layout) -> Iterator[pd.DataFrame]:
    """Chunks with a column more than the table has: what stands there is too much."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        yield from pd.read_csv(
            io.BufferedReader(file, 1 << 20),
            sep=layout.separator,
            header=None,
            names=list(range(layout.width + 1)),
            index_col=False,
            skiprows=int(layout.header),
            dtype=_types(layout),
            na_filter=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
            quoting=csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
            float_precision="round_trip",
            low_memory=False,
            chunksize=CHUNK_ROWS,
            engine="c",
        )


def _types(layout: Layout) -> dict[int, str]:
    types = dict.fromkeys(range(layout.width + 1), "str")
    types |= {layout.user: "category", layout.item: "category"}
    types |= {} if layout.rating is None else {layout.rating: "float64"}
    return types if layout.time is None or layout.iso else {**types, layout.time: "float64"}


def _add(builder: LogBuilder, frame: pd.DataFrame, layout: Layout) -> None:
    needed = {layout.user, layout.item, layout.rating, layout.time}
    last = layout.width - 1
    if frame[layout.width].any() or (last not in needed and (frame[last] == "").any()):
        raise _OddError  # too many fields; perhaps too few, an empty last one looks the same
    builder.user_codes.frombytes(_codes(builder.users, frame[layout.user]).tobytes())
    builder.item_codes.frombytes(_codes(builder.items, frame[layout.item]).tobytes())
    if layout.rating is not None:
        builder.ratings.frombytes(_finite(frame[layout.rating]).tobytes())
    if layout.time is not None:
        builder.timestamps.frombytes(_seconds(frame[layout.time], layout).tobytes())


def _codes(vocabulary: Vocabulary, column: pd.Series) -> NDArray[np.int64]:
    tokens = column.cat.categories.tolist()
    table = np.fromiter(map(vocabulary.__getitem__, tokens), np.int64, len(tokens))
    return table[column.cat.codes.to_numpy()]


def _finite(column: pd.Series) -> NDArray[np.float64]:
    values = column.to_numpy(np.float64)
    if not np.isfinite(values).all():
        raise _OddError
    return values


def _seconds(column: pd.Series, layout: Layout) -> NDArray[np.float64]:
    if layout.iso:
        return np.fromiter(map(iso_seconds, column), np.float64, len(column))
    return _finite(column) / UNITS[layout.unit]


class _Watched(io.RawIOBase):
    """Bytes as they are, refusing a zero byte: the parser would end the field there, silently.

    Refused too is a quotation mark that does not open or close a whole field, or stand twice within
    one: the parser takes what follows a closing one for more of the field.

    Args:
        separator: of quoted fields; None where a quotation mark is a letter like others.

    Attributes:
        quotes: whether there was a quotation mark.
        lines: read so far, a last one without its end too.
    """

    def __init__(self, file: IO[bytes], separator: str | None) -> None:
        self._file = file
        self._ends, self._open = 0, False
        self._rest = b""  # of a line that has not ended
        self._field: re.Pattern[bytes] | None = None
        if separator is not None:
            mark = re.escape(separator.encode())
            field = rb'"(?:[^"\n]|"")*"(?=' + mark + rb"|\r?\n|\Z)"
            start = rb"(?:^(?:" + BOM_UTF8 + rb")?|(?<=" + mark + rb"))"
            self._field = re.compile(start + field, re.MULTILINE)
        self.quotes = False

    @property
    def lines(self) -> int:
        return self._ends + self._open

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        if b"\0" in data:
            raise _OddError
        if data:
            self._ends += data.count(b"\n")
            self._open = not data.endswith(b"\n")
            self.quotes = self.quotes or b'"' in data
            if self._field:
                whole, end, self._rest = (self._rest + data).rpartition(b"\n")
                self._check(whole + end)
        buffer[: len(data)] = data
        return len(data)

    def end(self) -> None:
        """Look at the last line too, which has no end."""
        self._check(self._rest)

    def _check(self, lines: bytes) -> None:
        if self._field and b'"' in lines and b'"' in self._field.sub(b"", lines):
            raise _OddError
