"""The lines of a raw file, plain or packed, each error with its place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from recbole_ext.data.prepare.encodings import recoded, undecodable
from recbole_ext.errors import DataError, nearest

# How each kind of packing begins: a file is known by its content, its name has to agree.
PACKED: dict[str, bytes] = {
    ".gz": b"\x1f\x8b",
    ".xz": b"\xfd7zXZ\x00",
    ".bz2": b"BZh",
    ".zip": b"PK\x03\x04",
}
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
BLANK = "is blank, but the file goes on after it"
DAMAGE = (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)


class Source:
    """A raw text file.

    path: the file; known_names: of files to look for where it is a zip; member: the one in it;
    latin1: read a line that is not UTF-8 as Latin-1; encoding: of the whole file, checked by
    `check_encoding`, where None it is UTF-8.
    Raises DataError: no such file (with the nearest name there), a directory, empty, damaged.
    """

    def __init__(
        self,
        path: str | Path,
        known_names: tuple[str, ...] = (),
        member: str | None = None,
        latin1: bool = False,
        encoding: str | None = None,
    ) -> None:
        self.path = Path(path)
        _check_file(self.path)
        self.packing = _packing(self.path)
        if self.packing == ".zip":
            member = member or _choose_member(self.path, known_names)
        self.member = member
        self.latin1 = latin1
        self.encoding = encoding

    @property
    def name(self) -> str:
        """The file's name without folders, in a zip the member's."""
        return Path(self.member or self.path).name

    @property
    def label(self) -> str:
        """The file as messages call it."""
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file, which has no lines."""
        if self.packing is not None:
            return False
        with self.path.open("rb") as file:
            return file.read(4) == b"PAR1"

    def beside(self, name: str, latin1: bool = False) -> Source | None:
        """The file of that name in the same folder, or in the same zip; None if there is none."""
        if self.member is None:
            path = self.path.with_name(name)
            there = path.is_file()
            return Source(path, latin1=latin1, encoding=self.encoding) if there else None
        member = str(PurePosixPath(self.member).with_name(name))
        with zipfile.ZipFile(self.path) as archive:
            there = member in archive.namelist()
        if not there:
            return None
        return Source(self.path, member=member, latin1=latin1, encoding=self.encoding)

    def error(self, line: int, reason: str) -> DataError:
        """The error that says `reason` of a line (counted from 1)."""
        return DataError(f"{self.label}, line {line}: {reason}")

    def lines(self) -> Iterator[tuple[int, str]]:
        """Line numbers from 1 and lines without their ends; blank lines may only close the file."""
        blank = 0
        for number, line in self.all_lines():
            if not line.strip():
                blank = blank or number
            elif blank:
                raise self.error(blank, BLANK)
            else:
                yield number, line

    def head(self, count: int) -> list[str]:
        """The first `count` lines, at least one. Raises DataError if there is none."""
        lines = [line for _, line in islice(self.lines(), count)]
        if not lines:
            raise DataError(f"{self.label}: is empty")
        return lines

    def all_lines(self) -> Iterator[tuple[int, str]]:
        """As `lines`, with the blank ones."""
        number = 0
        with self.open() as file:
            try:
                for number, raw in enumerate(file, 1):
                    yield number, self._decode(number, raw)
            except UnicodeError as error:
                reason = getattr(error, "reason", None) or error
                place = f"{self.label}, after line {number}"
                raise DataError(f"{place}: is not {self.encoding} ({reason})") from None
            except DAMAGE as error:
                raise self._damaged(number, error) from None

    def _decode(self, number: int, raw: bytes) -> str:
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            if not self.latin1:
                raise self.error(number, undecodable(raw, error, self.encoding)) from None
            text = raw.decode("latin-1")
        text = text.rstrip("\r\n")
        if "\r" in text:  # it would pass for a space between two fields
            raise self.error(number, "has a carriage return inside: end the lines by a line feed")
        return text

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The unpacked bytes, of text in UTF-8; buffered: gzip, lzma, zipfile read in Python."""
        with ExitStack() as stack:
            try:
                raw = self._unpack(stack)
            except (*DAMAGE, RuntimeError, NotImplementedError) as error:  # a zip with a password
                raise DataError(f"{self.label}: cannot be read ({error})") from None
            file = stack.enter_context(io.BufferedReader(cast(io.RawIOBase, raw), 1 << 20))
            yield file if self.encoding is None else recoded(file, self.encoding)

    def _unpack(self, stack: ExitStack) -> IO[bytes]:
        if self.member is not None:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            return stack.enter_context(archive.open(self.member))
        if self.packing is None:
            return stack.enter_context(self.path.open("rb", buffering=0))
        return cast(IO[bytes], stack.enter_context(_OPENERS[self.packing](self.path, "rb")))

    def _damaged(self, line: int, error: Exception) -> DataError:
        kind = (
            f"the {self.packing} data is cut off or damaged" if self.packing else "cannot be read"
        )
        return DataError(f"{self.label}, after line {line}: {kind} ({error})")


def _check_file(path: Path) -> None:
    """Refuse what cannot be read twice, once to guess the format: os.path raises nothing itself."""
    if os.path.isdir(path):
        raise DataError(f"{path}: is a directory, a file is needed")
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file{nearest(path.name, _names_in(path.parent))}")
    if not os.path.isfile(path):
        raise DataError(f"{path}: is no regular file; write it to one first")


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _packing(path: Path) -> str | None:
    """The packing by the first bytes. Raises DataError where the name promises another one."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if not start:
        raise DataError(f"{path}: is empty")
    if start[257:262] == b"ustar":
        raise DataError(f"{path}: is a tar archive: unpack it and give the file")
    found = next((suffix for suffix, magic in PACKED.items() if start.startswith(magic)), None)
    if path.suffix in PACKED and path.suffix != found:
        raise DataError(
            f"{path}: is named {path.suffix}, but its content is not {path.suffix} data"
        )
    return found


def _choose_member(path: Path, known_names: tuple[str, ...]) -> str:
    """The member with a known name, else the only one. Raises DataError if neither is clear."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = [name for name in archive.namelist() if not name.endswith("/")]
    except DAMAGE as error:
        raise DataError(f"{path}: the .zip data is cut off or damaged ({error})") from None
    known = [name for name in files if Path(name).name in known_names]
    candidates = known or files
    if len(candidates) != 1:
        raise DataError(
            f"{path}: holds {len(files)} files ({', '.join(files[:5])}); "
            f"which one is not clear: unpack it and give the file"
        )
    return candidates[0]
