"""Raw files to prepare, and where their result goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.data.prepare import prepare

WriteRaw = Callable[[str, str | bytes], Path]


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteRaw:
    """Write a raw file into the (changed) working directory; messages then name it alone."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str | bytes) -> Path:
        path = Path(name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def inter(raw: WriteRaw) -> Callable[..., list[str]]:
    """Prepare a raw file as data set `d`; returns the lines of its atomic file."""

    def run(name: str, content: str | bytes, **arguments: object) -> list[str]:
        report = prepare(raw(name, content), "d", **arguments)  # type: ignore[arg-type]
        assert report.path == Path("dataset/d/d.inter")
        return report.path.read_text().splitlines()

    return run
