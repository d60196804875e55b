"""What is unusual and yet right is read right."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from atomic_files import HEADER, read

ROWS = [("u1", "i1", 5.0), ("u2", "i2", 6.5), ("u1", "i3", -7.0)]
LINES = b"u1\ti1\t5\nu2\ti2\t6.5\nu1\ti3\t-7e0\n"

SAME = {
    "no last newline": HEADER + LINES[:-1],
    "windows": (HEADER + LINES).replace(b"\n", b"\r\n"),
    "old mac": (HEADER + LINES).replace(b"\n", b"\r"),
    "byte order mark": b"\xef\xbb\xbf" + HEADER + LINES,
    "blank lines": HEADER + LINES.replace(b"\n", b"\n\n  \n") + b"\n\n",
    "quotes": HEADER + LINES.replace(b"u1", b'"u1"').replace(b"\t5", b'\t"5"'),
    "spaces around numbers": HEADER + LINES.replace(b"\t5", b"\t 5 "),
}


@pytest.mark.parametrize("block_size", [0, 1, 13])
@pytest.mark.parametrize("content", SAME.values(), ids=list(SAME))
def test_the_same_rows(content: bytes, block_size: int, tmp_path: Path) -> None:
    frame = read(tmp_path / "d.inter", content, block_size=block_size)
    assert [tuple(row) for row in frame.itertuples(index=False)] == ROWS
    assert list(frame["user_id"].cat.categories) == ["u1", "u2"]


@pytest.mark.parametrize("separator", [",", "|", ";", " ", "::", "§", "<tab>"])
def test_separators(separator: str, tmp_path: Path) -> None:
    content = (HEADER + LINES).decode().replace("\t", separator).encode()
    frame = read(tmp_path / "d.inter", content, separator=separator)
    assert [tuple(row) for row in frame.itertuples(index=False)] == ROWS


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    content = (HEADER + LINES).decode().replace("u2", "ü2").encode(encoding)
    frame = read(tmp_path / "d.inter", content, encoding=encoding)
    assert list(frame["user_id"]) == ["u1", "ü2", "u1"]


def test_tokens_stay_texts(tmp_path: Path) -> None:
    tokens = ["01", "1", "1.0", "1e3", "-0", " 1", "1 ", "true", "inf", 'a"b', "#", "\\t", "日本"]
    lines = "".join(f"{token}\t{token}\t1\n" for token in tokens)
    frame = read(tmp_path / "d.inter", HEADER + lines.encode())
    assert list(frame["user_id"]) == list(frame["item_id"]) == tokens


def test_only_the_columns_asked_for(tmp_path: Path) -> None:
    content = b"timestamp:float\tr:float\titem_id:token\tuser_id:token\n1\tx\ti\tu\n2\t\tk\tu\n"
    frame = read(tmp_path / "d.inter", content, load=["user_id", "item_id", "timestamp"])
    assert list(frame) == ["timestamp", "item_id", "user_id"]
    assert frame["timestamp"].tolist() == [1.0, 2.0]


def test_features_may_be_missing(tmp_path: Path) -> None:
    content = (
        b"item_id:token\tprice:float\tbrand:token\ttitle:token_seq\tvector:float_seq\n"
        b"1\t\t\t\t\n2\tNA\tNA\tNA\tNA\n3\tnan\tnull\ttrue\t1\n"
        b"4\t0.1\tx\ta b\t1  2\n5\t1\t[PAD]\tc\t\n"
    )
    frame = read(tmp_path / "d.item", content)
    assert frame["item_id"].tolist() == ["1", "2", "3", "4", "5"]
    assert np.isnan(frame["price"][:3]).all() and frame["price"].tolist()[3:] == [0.1, 1.0]
    brands = [b if isinstance(b, str) else math.nan for b in frame["brand"]]
    assert brands[3:] == ["x", "[PAD]"] and not any(isinstance(b, str) for b in brands[:3])
    assert frame["title"].fillna("").tolist() == ["", "", "true", "a b", "c"]
    assert frame["vector"].fillna("").tolist() == ["", "", "1", "1  2", ""]


def test_times_are_exact(tmp_path: Path) -> None:
    times = [1700000000.0078125, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, 1.2345678901234568e17]
    lines = "".join(f"u\ti\t{time!r}\n" for time in times)
    frame = read(tmp_path / "d.inter", HEADER + lines.encode())
    assert frame["timestamp"].tolist() == times


def test_zeros_and_ones_are_numbers(tmp_path: Path) -> None:
    content = HEADER + b"true\tfalse\t1\nfalse\ttrue\t0\n"
    frame = read(tmp_path / "d.inter", content)
    assert frame["timestamp"].tolist() == [1.0, 0.0]
    assert list(frame["user_id"]) == ["true", "false"]
