"""Raw files that are not UTF-8: named by --encoding, written as UTF-8."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_ext.data.prepare import encodings, prepare
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.errors import DataError

Raw = Callable[..., Path]
COLUMNS = Columns("who", "what", "when")
TABLE = "who,what,when\nJosé,café,1\nJosé,thé,2\n"
ROWS = ["user_id:token\titem_id:token\ttimestamp:float", "José\tcafé\t1", "José\tthé\t2"]


def message(path: Path, **arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        prepare(path, "d", **arguments)
    assert not Path("dataset").exists()
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["latin-1", "L1", "utf-16", "UTF8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_table(
    raw: Raw,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    block: int,
    pack: Callable[[bytes], bytes],
) -> None:
    monkeypatch.setattr(encodings, "_BLOCK", block)
    path = raw("t.csv", pack(TABLE.encode(encoding)))
    report = prepare(path, "d", columns=COLUMNS, encoding=encoding)
    assert report.path.read_bytes().decode("utf-8").splitlines() == ROWS


def test_other_formats_too(raw: Raw) -> None:
    path = raw("s.txt", "José café thé\n".encode("latin-1"))
    assert "José\tcafé\t0" in prepare(path, "d", encoding="latin-1").path.read_text("utf-8")


@pytest.mark.parametrize(("encoding", "likely"), [("latin-1", "latin-1"), ("utf-16", "utf-16")])
def test_what_is_not_utf8_names_the_option(raw: Raw, encoding: str, likely: str) -> None:
    refused = message(raw("t.csv", TABLE.encode(encoding)), columns=COLUMNS)
    assert refused.startswith(f"t.csv, line {2 if likely == 'latin-1' else 1}: byte ")
    assert refused.endswith(
        f"is not UTF-8; --encoding={likely}, or whatever the file is in, reads it"
    )


def test_what_is_not_of_the_encoding(raw: Raw) -> None:
    path = raw("t.csv", TABLE.encode("cp1252") + b"u,\x81,3\n")
    assert message(path, columns=COLUMNS, encoding="cp1252") == (
        "t.csv, line 4: character 3 (byte 0x81) is not cp1252; --encoding takes others"
    )


def test_cut_off_in_a_character(raw: Raw) -> None:
    path = raw("t.csv", TABLE.encode("utf-16") + b"x")
    refused = message(path, columns=COLUMNS, encoding="utf-16")
    assert refused.startswith("t.csv, after line ") and "is not utf-16 (truncated" in refused


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("latin-11", "encoding='latin-11': is no encoding Python knows, such as latin-1, cp1251"),
        ("base64", "encoding='base64': turns bytes into no text"),
        ("undefined", "encoding='undefined': turns bytes into no text"),
        ("a\0b", "encoding='a\\x00b': is no encoding Python knows"),
    ],
)
def test_names(raw: Raw, name: str, expected: str) -> None:
    assert message(raw("t.csv", TABLE), columns=COLUMNS, encoding=name).startswith(expected)


def test_the_nearest_name() -> None:
    with pytest.raises(DataError, match=r"; did you mean 'cp1251'\?$"):
        encodings.check_encoding("cp12511")


def test_parquet_takes_none(raw: Raw) -> None:
    pytest.importorskip("pyarrow")
    path = raw("t.parquet", pd.DataFrame({"who": ["u"], "what": ["a"]}).to_parquet())
    expected = "t.parquet: is a Parquet file, which takes no --encoding"
    assert message(path, columns=Columns("who", "what"), encoding="latin-1") == expected
