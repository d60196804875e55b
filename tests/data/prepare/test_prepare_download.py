"""Downloads from a server on this machine that breaks off, changes its file, or is not there."""

from __future__ import annotations

import hashlib
import http.server
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from recbole_ext.data import catalog
from recbole_ext.data.prepare import download as module
from recbole_ext.data.prepare import prepare
from recbole_ext.data.prepare.download import download
from recbole_ext.errors import DataError

CONTENT = "".join(f"{n} {n + 1} {n + 2}\n" for n in range(30_000)).encode()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Files:
    """What the server does: `breaks` are the bytes after which it drops the next answers."""

    def __init__(self) -> None:
        self.content, self.tag, self.code = CONTENT, '"1"', 0
        self.ranges, self.validated = True, True
        self.breaks: list[int] = []
        self.asked: list[str | None] = []
        self.sent = 0
        self.url = ""


def handler(files: Files) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            files.asked.append(asked)
            if files.code:
                self.send_error(files.code)
                return
            unchanged = self.headers.get("If-Range", files.tag) == files.tag
            start = int(asked[6:-1]) if asked and files.ranges and unchanged else 0
            total = len(files.content)
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            if files.validated:
                self.send_header("ETag", files.tag)
            self.send_header("Content-Length", str(total - start))
            self.end_headers()
            body = files.content[start:]
            body = body[: files.breaks.pop(0)] if files.breaks else body
            files.sent += len(body)
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 10.0)
    files = Files()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(files)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        files.url = f"http://127.0.0.1:{server.server_address[1]}/raw.txt"
        yield files
        server.shutdown()
        thread.join(10)


TARGET = Path("new/raw.txt")


def refused(files: Files, **expected: object) -> str:
    with pytest.raises(DataError) as caught:
        download(files.url, TARGET, **expected)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(files.url, "URL")


def test_brings_the_file_once(files: Files) -> None:
    for _ in range(2):
        assert download(files.url, TARGET, SHA256, len(CONTENT)) == SHA256
    assert TARGET.read_bytes() == CONTENT
    assert files.asked == [None]
    assert [path.name for path in TARGET.parent.iterdir()] == ["raw.txt"]


def test_goes_on_where_it_broke_off(files: Files) -> None:
    files.breaks = [100_000, 70_000]
    assert download(files.url, TARGET, SHA256) == SHA256
    assert files.asked == [None, "bytes=100000-", "bytes=170000-"]
    assert files.sent == len(CONTENT)


def test_gives_up_and_goes_on_in_a_later_call(files: Files) -> None:
    files.breaks = [1000] * module.ATTEMPTS
    assert refused(files) == (
        "URL: the transfer broke off 5 times; 5,000 bytes are in new/raw.txt.part, "
        "the same command goes on from there"
    )
    assert not TARGET.exists()
    assert download(files.url, TARGET) == SHA256
    assert files.asked[-1] == "bytes=5000-"


def test_starts_anew_where_the_file_changed(files: Files) -> None:
    files.breaks = [1000] * module.ATTEMPTS
    refused(files)
    files.content, files.tag = CONTENT[::-1], '"2"'
    assert download(files.url, TARGET) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("validated", [True, False])
def test_starts_anew_where_the_server_knows_no_ranges(files: Files, validated: bool) -> None:
    files.ranges, files.validated, files.breaks = False, validated, [1000]
    assert download(files.url, TARGET) == SHA256
    assert files.sent == 1000 + len(CONTENT)


def test_a_complete_part_is_only_moved(files: Files) -> None:
    TARGET.parent.mkdir()
    TARGET.with_name("raw.txt.part").write_bytes(CONTENT)
    assert download(files.url, TARGET) == SHA256
    assert files.sent == 0


def test_a_part_longer_than_the_file_is_thrown_away(files: Files) -> None:
    TARGET.parent.mkdir()
    TARGET.with_name("raw.txt.part").write_bytes(CONTENT + b"x")
    assert download(files.url, TARGET) == SHA256


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        ({"sha256": "0" * 64}, f"its sha256 is {SHA256}, {'0' * 64} was expected"),
        ({"size": 7}, f"it has {len(CONTENT):,} bytes, 7 were expected"),
    ],
)
def test_another_file_is_not_kept(files: Files, expected: dict[str, object], problem: str) -> None:
    assert refused(files, **expected) == f"URL: {problem}; it was not kept"
    assert list(TARGET.parent.iterdir()) == []
    TARGET.write_bytes(CONTENT)  # as somebody brought it by hand
    assert refused(files, **expected) == f"new/raw.txt: {problem}; remove it to download it again"


def test_an_unknown_hash_is_kept_and_has_to_stay(files: Files) -> None:
    assert download(files.url, TARGET) == SHA256
    assert TARGET.with_name("raw.txt.sha256").read_text() == f"{SHA256}  raw.txt\n"
    TARGET.write_bytes(CONTENT[:-1])
    assert f", {SHA256} was expected; remove it" in refused(files)


@pytest.mark.parametrize(
    ("code", "answer"), [(404, "404 Not Found"), (503, "503 Service Unavailable")]
)
def test_refused_by_the_server(files: Files, code: int, answer: str) -> None:
    files.code = code
    assert refused(files) == (
        f"URL: the server answers {answer}; download it by hand to new/raw.txt "
        "and run the same command again, or give the file by --input=FILE"
    )
    assert len(files.asked) == 1
    assert not TARGET.parent.exists()


def test_nobody_there(files: Files) -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        files.url = f"http://127.0.0.1:{taken.getsockname()[1]}/raw.txt"
        assert refused(files) == (
            "URL: cannot be reached ([Errno 111] Connection refused); download it by hand to "
            "new/raw.txt and run the same command again, or give the file by --input=FILE"
        )
    assert not TARGET.parent.exists()


def test_ctrl_c_keeps_what_came(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.breaks = [1000]
    monkeypatch.setattr(module.time, "sleep", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        download(files.url, TARGET)
    assert TARGET.with_name("raw.txt.part").read_bytes() == CONTENT[:1000]


def test_a_full_disk(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_copy", Mock(side_effect=OSError(28, "No space left on device")))
    assert refused(files) == "new/raw.txt: cannot be written (No space left on device)"


@pytest.fixture
def known(files: Files, monkeypatch: pytest.MonkeyPatch) -> catalog.KnownDataset:
    """A data set of the catalogue that lies on the server."""
    one = catalog.KnownDataset(
        "small", "v", "s", {"users": 30_000, "items": 30_001}, files.url, "raw.txt"
    )
    everything = {"small": one, "own": catalog.KnownDataset("own", "v", "s", {})}
    monkeypatch.setattr("recbole_ext.data.prepare.pipeline.known_datasets", lambda: everything)
    return one


def test_prepare_downloads_a_known_data_set(files: Files, known: catalog.KnownDataset) -> None:
    report = prepare(None, known.name)
    assert report.path.read_text().splitlines()[1] == "0\t1\t0"
    lines = str(report).splitlines()
    assert lines[2] == "users                 30,000        30,000"
    assert lines[-2] == f"sha256 {SHA256} of dataset/downloads/raw.txt"
    shutil.rmtree("dataset/small")
    assert prepare(None, known.name).sha256 == report.sha256
    assert len(files.asked) == 1


def test_an_existing_data_set_is_not_downloaded_again(
    files: Files, known: catalog.KnownDataset
) -> None:
    prepare(None, known.name)
    shutil.rmtree("dataset/downloads")
    with pytest.raises(DataError, match="is there already; --overwrite replaces it"):
        prepare(None, known.name)
    assert len(files.asked) == 1


@pytest.mark.parametrize(("name", "near"), [("smal", "; did you mean 'small'?"), ("own", "")])
def test_one_that_cannot_be_downloaded(known: catalog.KnownDataset, name: str, near: str) -> None:
    with pytest.raises(DataError) as caught:
        prepare(None, name)
    assert str(caught.value) == (
        f"dataset {name!r} cannot be downloaded, as small can{near}; "
        "give its raw file by --input=FILE"
    )
