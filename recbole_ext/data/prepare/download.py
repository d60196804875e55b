"""Raw files from where they are published: resumed where they broke off, checked by hash."""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from recbole_ext.errors import DataError

ATTEMPTS = 5
PAUSE_SECONDS = 1.0  # before the second attempt, twice as long before each further one
TIMEOUT_SECONDS = 30.0
_BLOCK = 1 << 16
_BROKEN = (ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException)


def download(url: str, target: Path, sha256: str | None = None, size: int | None = None) -> str:
    """Bring a file from `url` to `target`, unless it is there; returns its sha256.

    sha256, size: what it has to have; where no hash is known, the one of the first download is kept
    in `<target>.sha256` and has to stay. A transfer that breaks off goes on from `<target>.part`,
    also in a later call.
    Raises DataError: it cannot be reached, refused, broken off again and again, another file.
    """
    expected = sha256 or _recorded(target)
    try:
        digest = _present(target, expected, size) or _Part(url, target).bring(expected, size)
        if expected is None:
            _record_of(target).write_text(f"{digest}  {target.name}\n")
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror or error})") from None
    return digest


def _present(target: Path, sha256: str | None, size: int | None) -> str | None:
    """The sha256 of the file if it is there. Raises DataError if it is another one."""
    if not target.exists():
        return None
    digest, problem = _judge(target, sha256, size)
    if problem:
        raise DataError(f"{target}: {problem}; remove it to download it again")
    return digest


@dataclass(frozen=True)
class _Part:
    """A file on its way: `path` holds what has come, `tag` of which version of the file."""

    url: str
    target: Path

    @property
    def path(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def tag(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part.tag")

    def bring(self, sha256: str | None, size: int | None) -> str:
        """Fetch the file, put it in its place if it is the right one; returns its sha256."""
        self._fetch()
        digest, problem = _judge(self.path, sha256, size)
        if problem:
            self._discard()
            raise DataError(f"{self.url}: {problem}; it was not kept")
        os.replace(self.path, self.target)
        self.tag.unlink(missing_ok=True)
        return digest

    def _fetch(self) -> None:
        """Bring the rest, in a few attempts."""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
            if self._transfer():
                return
        reason = f"the transfer broke off {ATTEMPTS} times"
        kept = f"{self._size():,} bytes are in {self.path}"
        raise DataError(f"{self.url}: {reason}; {kept}, the same command goes on from there")

    def _discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _transfer(self) -> bool:
        """One attempt; returns whether the file is complete."""
        request = Request(self.url, headers=self._headers())
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return self._save(response)
        except HTTPError as error:
            return self._refused(error)
        except URLError as error:
            raise DataError(self._by_hand(f"cannot be reached ({error.reason})")) from None
        except _BROKEN:
            return False

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": "recbole_ext", "Accept-Encoding": "identity"}
        if self._size():
            headers["Range"] = f"bytes={self._size()}-"
            if self.tag.exists():
                headers["If-Range"] = self.tag.read_text()
        return headers

    def _refused(self, error: HTTPError) -> bool:
        have = self._size()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return True
            self._discard()
            return False
        raise DataError(self._by_hand(f"the server answers {error.code} {error.reason}"))

    def _by_hand(self, reason: str) -> str:
        return (
            f"{self.url}: {reason}; download it by hand to {self.target} "
            "and run the same command again, or give the file by --input=FILE"
        )

    def _save(self, response: Any) -> bool:
        """Append what comes, or start anew where the server sends all of it."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        have = self._size()
        if not str(response.headers.get("Content-Range")).startswith(f"bytes {have}-"):
            self._discard()
            if response.status == HTTPStatus.PARTIAL_CONTENT:  # some other part
                return False
            have = 0
            self._keep_tag(response)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with self.path.open("ab") as file:
            _copy(response, file, self.target.name, have, total)
        return total is None or self._size() == total

    def _keep_tag(self, response: Any) -> None:
        tag = response.headers.get("ETag") or ""
        if tag.startswith("W/") or not tag:
            tag = response.headers.get("Last-Modified") or ""
        if tag:
            self.tag.write_text(tag)


def _copy(response: Any, file: IO[bytes], name: str, have: int, total: int | None) -> None:
    """Write all that comes, with a bar where somebody looks at it."""
    from tqdm import tqdm

    with tqdm(
        desc=name, initial=have, total=total, unit="B", unit_scale=True, disable=None
    ) as progress:
        while block := response.read(_BLOCK):
            file.write(block)
            progress.update(len(block))


def _judge(path: Path, sha256: str | None, size: int | None) -> tuple[str, str]:
    """A file's sha256, and what is wrong with the file, or nothing."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = path.stat().st_size
    if size is not None and found != size:
        return digest, f"it has {found:,} bytes, {size:,} were expected"
    if sha256 is not None and digest != sha256:
        return digest, f"its sha256 is {digest}, {sha256} was expected"
    return digest, ""


def _record_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _recorded(target: Path) -> str | None:
    record = _record_of(target)
    if not record.exists():
        return None
    words = record.read_text().split()
    return words[0] if words else None
