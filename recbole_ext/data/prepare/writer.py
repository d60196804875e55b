"""RecBole's atomic files, written beside their place and moved there whole."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_ext.data.prepare.items import ItemTable
from recbole_ext.data.prepare.log import Log
from recbole_ext.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK = 100_000


def write_atomic(
    log: Log, folder: Path, overwrite: bool = False, items: ItemTable | None = None
) -> str:
    """Write `<folder>/<folder's name>.inter`, rows in the log's order; returns its sha256.

    items: written to `.item` beside it, those of the log alone.
    A file appears whole or not at all; other files in the folder stay.
    Raises DataError if one is there already and `overwrite` is not set, or cannot be written.
    """
    target = folder / f"{folder.name}.inter"
    check_target(target, overwrite)
    described = folder / f"{folder.name}.item"
    if items is not None:
        check_target(described, overwrite)
    made = _make_parents(folder.parent)
    temporary: Path | None = None
    try:
        temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        temporary.mkdir()
        digest = _write(_chunks(log), temporary / target.name)
        if items is not None:
            lines = "\n".join(items.lines(log.item_tokens))
            _write([f"{lines}\n"], temporary / described.name)
        _publish(temporary, folder)
        made = []
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror or error})") from None
    finally:  # also after Ctrl-C
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(made)
    return digest


def check_target(target: Path, overwrite: bool) -> None:
    """Raises DataError if the file must not be written."""
    if target.parent.exists() and not target.parent.is_dir():
        raise DataError(f"{target.parent}: is a file, a directory is needed")
    if target.exists() and not overwrite:
        raise DataError(f"{target}: is there already; --overwrite replaces it")


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and those above; returns the new ones, the deepest first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror})") from None
    return missing


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):  # another process put something there meanwhile
        for folder in folders:
            folder.rmdir()


def _publish(temporary: Path, folder: Path) -> None:
    """Move a finished folder to its place: at once, or file by file into one that is there."""
    if not folder.exists():
        temporary.rename(folder)
        return
    for file in temporary.iterdir():
        file.replace(folder / file.name)


def _write(texts: Iterable[str], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for text in texts:
            raw = text.encode()
            digest.update(raw)
            file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _chunks(log: Log) -> Iterator[str]:
    rating = "" if log.ratings is None else "rating:float\t"
    yield f"user_id:token\titem_id:token\t{rating}timestamp:float\n"
    for start in range(0, len(log), _CHUNK):
        part = slice(start, start + _CHUNK)
        columns = [
            [log.user_tokens[code] for code in log.users[part].tolist()],
            [log.item_tokens[code] for code in log.items[part].tolist()],
            *([] if log.ratings is None else [number_texts(log.ratings[part])]),
            number_texts(log.timestamps[part]),
        ]
        yield "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


def number_texts(values: NDArray[np.float64]) -> list[str]:
    """The shortest texts that read back as the same float64; whole numbers without a point."""
    return [text.removesuffix(".0") for text in map(repr, values.tolist())]
