"""Item vectors made elsewhere, read from a file and brought into the order of the item ids.

Formats, by the file's ending (nothing is ever unpickled):

- ``.csv``: a first line ``item_id:token,NAME:float,...``, then a line for each item.
- ``.npz``: two arrays, ``tokens`` (text or whole numbers, [N]) and ``vectors`` [N, v].
- ``.npy``: the array [N, v]; ``.safetensors``: a tensor ``vectors`` [N, v]. The items' tokens stand
  beside it, in a UTF-8 text file of the same name that ends in ``.tokens``, one a line.

Tokens are those of the data set's own files.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from recbole_ext.errors import DataError, show
from recbole_ext.nn.embedding import PAD

_Read = tuple[Sequence[str], NDArray[np.generic]]


@dataclass(frozen=True)
class ItemVectors:
    """What a file holds: ``values`` [N, v], finite, of N different items."""

    path: Path
    tokens: Sequence[str]
    values: NDArray[np.float32]

    def by_id(self, ids: Mapping[str, int], n_items: int, skip_unknown: bool) -> Tensor:
        """[n_items, v] in the order of the ids, zeros where an item has no vector.

        Raises:
            DataError: items that the data set does not have, unless ``skip_unknown``; or not one
                that it has.
        """
        rows = np.array([ids.get(token, PAD) for token in self.tokens], dtype=np.int64)
        unknown = np.flatnonzero(rows == PAD)
        if len(unknown) == len(rows):
            raise DataError(
                f"{self.path}: none of its {len(rows):,} items is in the data set; they must be "
                f"named by the tokens of its own files, not as {show(self.tokens[0])}"
            )
        if len(unknown) and not skip_unknown:
            more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
            raise DataError(
                f"{self.path}: unknown item {show(self.tokens[unknown[0]])}{more}, not in the data "
                "set (after its filters); pretrained_unknown: skip leaves such vectors out"
            )
        table = torch.zeros(n_items, self.values.shape[1])
        table[torch.from_numpy(rows[rows != PAD])] = torch.from_numpy(self.values[rows != PAD])
        return table


def read_vectors(path: Path, item_field: str) -> ItemVectors:
    """The vectors of a file.

    Args:
        item_field: what the column of tokens is called in a CSV file.

    Raises:
        DataError: missing or malformed.
    """
    with _naming(path):
        tokens, values = _READERS[path.suffix](path, item_field)
    _check(path, tokens, values)
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(numbers).all(1))
    if len(bad):
        raise DataError(
            f"{path}: the vector of item {show(str(tokens[bad[0]]))} holds NaN, infinity or a "
            "number beyond float32"
        )
    return ItemVectors(path, tokens, numbers)


def _check(path: Path, tokens: Sequence[str], values: NDArray[np.generic]) -> None:
    if values.dtype.kind not in "fiu":
        raise DataError(f"{path}: vectors are of type {values.dtype}, not numbers")
    if values.ndim != 2 or not values.size:
        raise DataError(
            f"{path}: vectors have shape {values.shape}; expected (items, width), neither of them 0"
        )
    if len(tokens) != len(values):
        raise DataError(f"{path}: {len(values):,} vectors, but {len(tokens):,} item tokens")
    seen: set[str] = set()
    for token in tokens:
        if token in seen:
            raise DataError(f"{path}: item {show(token)} has two vectors")
        seen.add(token)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Whatever goes wrong in the block is the file's fault."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        where = error.filename or path
        raise DataError(f"{where}: cannot be read ({error.strerror or error})") from error
    except (
        *(ValueError, EOFError, LookupError, MemoryError, RuntimeError, TypeError),
        *(csv.Error, zipfile.BadZipFile, zlib.error, SafetensorError),
    ) as error:
        if "pickle" in str(error):
            raise DataError(f"{path}: holds pickled objects, which are never loaded") from error
        raise DataError(f"{path}: damaged or no {path.suffix} file ({error})") from error


def _npy(path: Path, item_field: str) -> _Read:
    values = np.load(path, allow_pickle=False)
    if not isinstance(values, np.ndarray):
        raise DataError(f"{path}: holds several arrays; name it .npz")
    return _companion(path), values


def _npz(path: Path, item_field: str) -> _Read:
    archive = np.load(path, allow_pickle=False)
    if isinstance(archive, np.ndarray):
        raise DataError(f"{path}: holds one array; name it .npy")
    with archive:
        for name in ("tokens", "vectors"):
            if name not in archive.files:
                has = ", ".join(archive.files) or "nothing"
                raise DataError(f"{path}: no array '{name}' in it; it has {has}")
        tokens, values = archive["tokens"], archive["vectors"]
    if tokens.dtype.kind not in "Uiu" or tokens.ndim != 1:
        raise DataError(
            f"{path}: tokens are of type {tokens.dtype} and shape {tokens.shape}; expected a list "
            "of texts or whole numbers"
        )
    return [str(token) for token in tokens.tolist()], values


def _safetensors(path: Path, item_field: str) -> _Read:
    with safe_open(path, framework="pt") as file:
        if "vectors" not in file.keys():  # noqa: SIM118 - the handle itself is no mapping
            raise DataError(f"{path}: no tensor 'vectors' in it; it has {', '.join(file.keys())}")
        tensor = file.get_tensor("vectors")
    values = tensor.float() if tensor.is_floating_point() else tensor
    return _companion(path), values.numpy()


def _companion(path: Path) -> list[str]:
    """The tokens that belong to a file of vectors alone."""
    tokens = path.with_suffix(".tokens")
    if not tokens.is_file():
        raise DataError(f"{tokens} is missing: it names the items of {path.name}, one a line")
    with _naming(tokens):
        text = tokens.read_text(encoding="utf-8-sig")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _csv(path: Path, item_field: str) -> _Read:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        wrong = [cell for cell in header[1:] if not cell.endswith(":float")]
        if header[:1] != [f"{item_field}:token"] or len(header) < 2 or wrong:
            shown = show(wrong[0] if wrong else ",".join(header[:3]))
            raise DataError(
                f"{path}, line 1: {shown} where the columns '{item_field}:token,NAME:float,...' "
                "are expected"
            )
        rows = [_numbers(path, lines.line_num, row, header) for row in lines if row]
    values = np.array([numbers for _, numbers in rows]).reshape(len(rows), len(header) - 1)
    return [token for token, _ in rows], values


def _numbers(
    path: Path, line: int, row: Sequence[str], header: Sequence[str]
) -> tuple[str, list[float]]:
    if len(row) != len(header):
        raise DataError(
            f"{path}, line {line}: {len(row)} fields where the header names {len(header)}"
        )
    numbers = []
    for name, cell in zip(header[1:], row[1:], strict=True):
        try:
            numbers.append(float(cell))
        except ValueError as error:
            column = show(name.removesuffix(":float"))
            raise DataError(
                f"{path}, line {line}, column {column}: {show(cell)} is not a number"
            ) from error
    return row[0], numbers


_READERS: dict[str, Callable[[Path, str], _Read]] = {
    ".csv": _csv,
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
}
