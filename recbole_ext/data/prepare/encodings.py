"""Raw text in another encoding than UTF-8."""

from __future__ import annotations

import codecs
import io
from encodings.aliases import aliases
from typing import IO, Any, cast

from recbole_ext.errors import DataError, nearest, show

_BLOCK = 1 << 20
_UTF8 = ("utf-8", "utf-8-sig")


def check_encoding(name: str | None) -> str | None:
    """Python's name of a text encoding; None for UTF-8. Raises DataError."""
    if not name:
        return None
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):  # a name with a zero byte
        near = nearest(name, {*aliases, *aliases.values()})
        reason = f"is no encoding Python knows, such as latin-1, cp1251 or utf-16{near}"
        raise DataError(f"encoding={show(name)}: {reason}") from None
    if not found._is_text_encoding or found.name == "undefined":
        raise DataError(f"encoding={show(name)}: turns bytes into no text")
    return None if found.name in _UTF8 else found.name


def undecodable(raw: bytes, error: UnicodeDecodeError, encoding: str | None) -> str:
    """What is wrong with a line that `Source.open` gave, and the way out."""
    if encoding is not None:
        text = raw.decode("utf-8", "surrogatepass")
        place = next(n for n, one in enumerate(text, 1) if "\ud800" <= one <= "\udfff")
        byte = ord(text[place - 1]) & 0xFF
        return f"character {place} (byte 0x{byte:02x}) is not {encoding}; --encoding takes others"
    likely = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "latin-1"
    what = f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8"
    return f"{what}; --encoding={likely}, or whatever the file is in, reads it"


def recoded(file: IO[bytes], encoding: str) -> IO[bytes]:
    """The bytes of the same text in UTF-8; a byte that is no text becomes bytes that are not UTF-8.

    So a line is refused with its own number. Raises UnicodeError where that cannot be done.
    """
    return cast(IO[bytes], io.BufferedReader(_Recoded(file, encoding), _BLOCK))


class _Recoded(io.RawIOBase):
    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            raw = self._file.read(_BLOCK)
            text = self._decoder.decode(raw, final=not raw)
            self._ready = text.encode("utf-8", "surrogatepass")
            if not raw:
                break
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
