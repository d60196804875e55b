"""The columns of an atomic file as a frame: tokens coded, numbers in float64."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recbole_ext.data.atomic.faults import sound_lines
from recbole_ext.data.atomic.header import AtomicFile, Column
from recbole_ext.data.atomic.text import Block, blocks, is_regular, open_text
from recbole_ext.data.reserved import PADDING
from recbole_ext.errors import show

_WORDS = re.compile(rb"true|false", re.IGNORECASE)
_DTYPES: dict[str, Any] = {"token": "category", "float": np.float64}


class TokenColumn:
    """Codes of tokens, and the tokens in the order of their first block."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self._parts: list[NDArray[np.int32]] = []

    def add(self, values: pd.Categorical) -> None:
        """Append a block's values; a missing one has code -1."""
        tokens = [self.codes.setdefault(token, len(self.codes)) for token in values.categories]
        lookup = np.array([*tokens, -1], dtype=np.int32)
        self._parts.append(lookup[values.codes])

    def values(self) -> pd.Categorical:
        """All of them."""
        codes = np.concatenate(self._parts)
        self._parts.clear()
        return pd.Categorical.from_codes(codes, categories=pd.Index(list(self.codes), dtype=object))


class PlainColumn:
    """Numbers, or the texts of sequences."""

    def __init__(self) -> None:
        self._parts: list[NDArray[Any]] = []

    def add(self, values: Any) -> None:
        self._parts.append(np.asarray(values))

    def values(self) -> NDArray[Any]:
        joined = np.concatenate(self._parts)
        self._parts.clear()
        return joined


def read_columns(
    file: AtomicFile, columns: Sequence[Column], seq_separator: str = " ", block_size: int = 0
) -> pd.DataFrame:
    """``columns`` of ``file``: token as Categorical, float as float64, sequences as text.

    Args:
        seq_separator: between the members of a sequence.
        block_size: characters read at once.

    Raises:
        DataError: the first line that is malformed, with the column and the reason.
    """
    kept = {c.name: TokenColumn() if c.type == "token" else PlainColumn() for c in columns}
    ids: dict[str, int] = {}
    rows = 0
    with open_text(file.path, file.encoding) as text:
        text.readline()
        for block in blocks(text, 2, block_size):
            numbers, frame = _parse(file, _delimited(file, block), columns, seq_separator)
            rows += len(numbers)
            if file.unique:
                _check_unique(file, frame[file.unique], numbers, ids)
            for name, column in kept.items():
                column.add(frame[name].array)
    if not rows:
        raise file.error("there is a header, but no line after it")
    return pd.DataFrame({name: column.values() for name, column in kept.items()})


def _delimited(file: AtomicFile, block: Block) -> Block:
    if file.delimiter == file.separator:
        return block
    return Block(block.text.replace(file.separator, file.delimiter), block.first)


def _parse(
    file: AtomicFile, block: Block, columns: Sequence[Column], seq_separator: str
) -> tuple[Sequence[int], pd.DataFrame]:
    """The numbers of a block's lines and their values; blank lines are left out."""
    data = block.text.encode()
    data = data if data.endswith(b"\n") else data + b"\n"
    plain = all(column.type != "float_seq" for column in columns)
    if plain and is_regular(data, file.delimiter, len(file.columns)):
        with suppress(ValueError):
            frame = _frame(file, data, columns)
            if _is_sound(frame, columns) and not _may_be_words(frame, columns, data):
                return range(block.first, block.first + len(frame)), frame
    numbered = list(sound_lines(file, block, columns, seq_separator))
    data = "".join(f"{line}\n" for _, line in numbered).encode()
    try:
        frame = _frame(file, data, columns)
    except ValueError as error:
        raise file.error(f"cannot be read: {error}", block.first) from error
    if len(frame) != len(numbered) or not _is_sound(frame, columns):
        raise file.error("cannot be read", block.first)
    return [number for number, _ in numbered], frame


def _frame(file: AtomicFile, data: bytes, columns: Sequence[Column]) -> pd.DataFrame:
    """The fields of ``data`` by type."""
    dtypes = {column.place: _DTYPES.get(column.type, str) for column in columns}
    if not data:
        return pd.DataFrame({c.name: pd.Series(dtype=dtypes[c.place]) for c in columns})
    frame = pd.read_csv(
        BytesIO(data),
        sep=file.delimiter,
        header=None,
        index_col=False,
        names=range(len(file.columns)),
        usecols=list(dtypes),
        dtype=dtypes,
        engine="c",
        encoding="utf-8",
        float_precision="round_trip",
        low_memory=False,
        skip_blank_lines=False,
    )
    return frame.rename(columns={column.place: column.name for column in columns})


def _is_sound(frame: pd.DataFrame, columns: Sequence[Column]) -> bool:
    """Whether every id and time is there and no number is infinite."""
    for column in columns:
        values = frame[column.name]
        if column.is_id and ((values.cat.codes < 0).any() or PADDING in values.cat.categories):
            return False
        if column.type == "float" and np.isinf(values).any():
            return False
        if column.is_time and values.isna().any():
            return False
    return True


def _may_be_words(frame: pd.DataFrame, columns: Sequence[Column], data: bytes) -> bool:
    """Whether a column of 0 and 1 may have been true and false: pandas takes these for numbers."""
    binary = any(c.type == "float" and frame[c.name].dropna().isin((0, 1)).all() for c in columns)
    return binary and _WORDS.search(data) is not None


def _check_unique(
    file: AtomicFile, tokens: pd.Series, numbers: Sequence[int], seen: dict[str, int]
) -> None:
    for number, token in zip(numbers, tokens, strict=True):
        before = seen.setdefault(token, number)
        if before != number:
            problem = f"{show(token)} stands on line {before} already"
            raise file.error(problem, number, file.unique or "")
