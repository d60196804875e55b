"""Parquet files, through pyarrow, which need not be installed otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from recbole_ext.data.prepare.cleaning import Cleaner
from recbole_ext.data.prepare.log import FieldError, Log, LogBuilder, Vocabulary
from recbole_ext.data.prepare.parquet_rows import is_text, sound_rows
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.spaces import ClashError
from recbole_ext.data.prepare.times import UNITS, iso_seconds
from recbole_ext.errors import DataError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH_ROWS = 1 << 20


def read_parquet(source: Source, columns: Columns, cleaner: Cleaner | None = None) -> Log:
    """All rows in the file's order, or those the cleaner leaves.

    Raises DataError: the row and the reason, or no pyarrow.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        reason = "reading Parquet needs pyarrow: python -m pip install pyarrow"
        raise DataError(f"{source.label}: {reason}") from None
    try:
        with parquet.ParquetFile(source.path) as file:
            return _read(source, file, columns, cleaner or Cleaner())
    except (arrow.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{source.label}: is not readable as Parquet ({reason})") from None


def _read(source: Source, file: Any, columns: Columns, cleaner: Cleaner) -> Log:
    names = file.schema_arrow.names
    for name in columns.named.values():
        if name not in names:
            reason = f"has no column {name!r}{nearest(name, names)}; it has {', '.join(names[:20])}"
            raise DataError(f"{source.label}: {reason}")
    builder = cleaner.start("row")
    wanted = list(dict.fromkeys(columns.named.values()))
    before = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
        rows = np.arange(before + 1, before + len(batch) + 1)
        before += len(batch)
        if cleaner.skips:
            batch, rows = sound_rows(batch, rows, columns, builder, cleaner.left_out)
        _Batch(source, batch, rows, cleaner).add_to(builder, columns)
    return builder.build()


class _Batch:
    """Some rows; rows: their numbers in the file."""

    def __init__(
        self, source: Source, batch: Any, rows: NDArray[np.int64], cleaner: Cleaner
    ) -> None:
        self.source, self.batch, self.rows, self.cleaner = source, batch, rows, cleaner

    def add_to(self, builder: LogBuilder, columns: Columns) -> None:
        builder.user_codes.frombytes(self._codes(builder.users, columns.user).tobytes())
        builder.item_codes.frombytes(self._codes(builder.items, columns.item).tobytes())
        if columns.rating is not None:
            builder.ratings.frombytes(self._numbers(columns.rating, "rating").tobytes())
        if columns.time is not None:
            builder.timestamps.frombytes(self._seconds(columns).tobytes())

    def _codes(self, vocabulary: Vocabulary, name: str) -> NDArray[np.int64]:
        import pyarrow as arrow

        column = self._column(name, vocabulary.kind)
        kind = column.type
        if arrow.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
        if not (arrow.types.is_integer(column.type) or is_text(column.type)):
            raise DataError(f"{self.source.label}: column {name!r} is {kind}, not text or integers")
        encoded = column.cast(arrow.string()).dictionary_encode()
        places = encoded.indices.to_numpy()
        codes = np.empty(len(encoded.dictionary), np.int64)
        for place, token in enumerate(encoded.dictionary.to_pylist()):
            try:
                codes[place] = vocabulary[token]
            except ClashError as clash:
                self._refuse(int(np.argmax(places == place)), clash.beside("another row"))
            except FieldError as error:
                self._refuse(int(np.argmax(places == place)), error)
        return codes[places]

    def _numbers(self, name: str, role: str) -> NDArray[np.float64]:
        import pyarrow as arrow

        column = self._column(name, role)
        if not (arrow.types.is_integer(column.type) or arrow.types.is_floating(column.type)):
            raise DataError(f"{self.source.label}: column {name!r} is {column.type}, not numbers")
        values: NDArray[np.float64] = column.cast(arrow.float64()).to_numpy(zero_copy_only=False)
        odd = ~np.isfinite(values)
        if odd.any():
            self._refuse(int(odd.argmax()), FieldError(f"{role} is not a finite number"))
        return values

    def _seconds(self, columns: Columns) -> NDArray[np.float64]:
        import pyarrow as arrow

        assert columns.time is not None
        column = self._column(columns.time, "timestamp")
        if arrow.types.is_date(column.type) or arrow.types.is_timestamp(column.type):
            micros = column.cast(arrow.timestamp("us", _zone(column.type)), safe=False)
            return micros.cast(arrow.int64()).to_numpy() / 1e6
        if not is_text(column.type):
            return self._numbers(columns.time, "timestamp") / UNITS[columns.unit]
        values = np.empty(len(column))
        for row, text in enumerate(column.to_pylist()):
            try:
                values[row] = iso_seconds(text)
            except FieldError as error:
                self._refuse(row, error)
        return values

    def _column(self, name: str, role: str) -> Any:
        column = self.batch.column(self.batch.schema.get_field_index(name))
        if column.null_count:
            missing = column.is_null().to_numpy(zero_copy_only=False)
            self._refuse(int(missing.argmax()), FieldError(f"{role} is empty"))
        return column

    def _refuse(self, row: int, error: FieldError) -> NoReturn:
        reason = f"{error}{self.cleaner.way_out(error)}"
        raise DataError(f"{self.source.label}, row {self.rows[row]}: {reason}")


def _zone(kind: Any) -> str | None:
    return getattr(kind, "tz", None)
