"""Every malformed file is one line: file, line, column, reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from atomic_files import HEADER, read

from recbole_ext.errors import DataError

ITEMS = b"item_id:token\tprice:float\ttitle:token_seq\tvector:float_seq\n"


def complaint(tmp_path: Path, content: bytes, suffix: str = "inter", **options: Any) -> str:
    """The error, without the folder."""
    with pytest.raises(DataError) as caught:
        read(tmp_path / f"d.{suffix}", content, **options)
    text = str(caught.value)
    assert text.isprintable()
    return text.removeprefix(f"{tmp_path}/")


HEADERS = [
    (b"", "d.inter: the file is empty; its first line must name the columns, such as "
     "user_id:token, item_id:token and timestamp:float"),
    (b"\n", "d.inter: the first line is blank; its first line must name the columns"),
    (b"  \nu\ti\t1\n", "d.inter: the first line is blank"),
    (HEADER, "d.inter: there is a header, but no line after it"),
    (HEADER[:-1], "d.inter: there is a header, but no line after it"),
    (HEADER + b"\n\n", "d.inter: there is a header, but no line after it"),
    (b"user_id\titem_id\ttimestamp\nu\ti\t1\n", "d.inter, line 1: 'user_id' is not name:type, such "
     "as user_id:token, item_id:token and timestamp:float"),
    (b"196\t242\t881250949\n", "d.inter, line 1: '196' is not name:type"),
    (b"user_id:token\t\ttimestamp:float\n", "d.inter, line 1: '' is not name:type"),
    (b"user_id:token\titem_id:\ttimestamp:float\n", "d.inter, line 1: 'item_id:' is not name:type"),
    (b":token\titem_id:token\n", "d.inter, line 1: ':token' is not name:type"),
    (b"a:b:token\titem_id:token\n", "d.inter, line 1: 'a:b:token' is not name:type"),
    (HEADER.replace(b":float", b":int"), "d.inter, line 1, column 'timestamp': unknown type 'int'; "
     "there are token, token_seq, float, float_seq"),
    (HEADER.replace(b":float", b":Float"), "unknown type 'Float'; did you mean 'float'?"),
    (b"user_id:token\titem_id:token\tuser_id:token\ttimestamp:float\n",
     "d.inter, line 1: column 'user_id' is there twice"),
    (b"user_id:token\titem_id:token\ttimestmp:float\n",
     "d.inter, line 1: no column 'timestamp' (TIME_FIELD); did you mean 'timestmp'?"),
    (b"user:token\titem_id:token\ttimestamp:float\n",
     "d.inter, line 1: no column 'user_id' (USER_ID_FIELD); did you mean 'user'?"),
    (b"user_id:token\tq:token\ttimestamp:float\n",
     "d.inter, line 1: no column 'item_id' (ITEM_ID_FIELD)"),
    (HEADER.replace(b"item_id:token", b"item_id:float"),
     "d.inter, line 1, column 'item_id': ITEM_ID_FIELD must be of type token, not float"),
    (HEADER.replace(b"timestamp:float", b"timestamp:token"),
     "d.inter, line 1, column 'timestamp': TIME_FIELD must be of type float, not token"),
    (HEADER.replace(b"\t", b","), "d.inter, line 1: columns are separated by ',', where "
     "field_separator is '\\t'; change the one or the other"),
    (HEADER.replace(b"\t", b";"), "columns are separated by ';', where field_separator is '\\t'"),
    (HEADER.replace(b"\t", b"::"), "columns are separated by '::', where"),
    (HEADER.replace(b"\t", b" "), "columns are separated by ' ', where"),
    (b"user_id,item_id,timestamp\n", "columns are separated by ',', where"),
    (b"user_id:tok\xffen\n", "d.inter, line 1: not utf-8 text (invalid start byte); set encoding"),
    (b"\x1f\x8b\x08\x00rubbish", "d.inter, line 1: not utf-8 text (invalid start byte)"),
    (b"PK\x03\x04\x14\x00", "d.inter, line 1: 'PK\\x03\\x04\\x14\\x00' is not name:type"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), HEADERS)
def test_headers(content: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(tmp_path, content)


GOOD = b"u1\ti1\t5\nu2\ti2\t6\n"
LINES = [
    (b"u3\ti3\n", "line 4: 2 fields where the header names 3"),
    (b"u3\ti3\t7\t8\n", "line 4: 4 fields where the header names 3"),
    (b"u3\n", "line 4: 1 field where the header names 3"),
    (b"u3,i3,7\n", "line 4: 1 field where the header names 3: separated by ',', not by '\\t'"),
    (b"u3 i3 7\n", "line 4: 1 field where the header names 3: separated by ' ', not by '\\t'"),
    (b"u3\ti3", "line 4: the last line is cut off: 2 fields where the header names 3"),
    (b"u", "line 4: the last line is cut off: 1 field where the header names 3"),
    (b"u3\ti3\t", "line 4, column 'timestamp': is empty"),
    (b"u3\ti3\t\n", "line 4, column 'timestamp': is empty"),
    (b"\ti3\t7\n", "line 4, column 'user_id': is empty"),
    (b"u3\t\t7\n", "line 4, column 'item_id': is empty"),
    (b'u3\t""\t7\n', "line 4, column 'item_id': is empty"),
    (b"\t\t\n", "line 4, column 'user_id': is empty"),
    (b"nan\ti3\t7\n", "line 4, column 'user_id': 'nan' reads as a missing value; give it another"),
    (b"u3\tNA\t7\n", "line 4, column 'item_id': 'NA' reads as a missing value"),
    (b"u3\t[PAD]\t7\n", "line 4, column 'item_id': [PAD] is the name of padding"),
    (b"u3\ti3\tlate\n", "line 4, column 'timestamp': 'late' is not a number"),
    (b"u3\ti3\t2020-01-01\n", "line 4, column 'timestamp': '2020-01-01' is not a number"),
    (b"u3\ti3\t1,5\n", "line 4, column 'timestamp': '1,5' is not a number"),
    (b"u3\ti3\t1_000\n", "line 4, column 'timestamp': '1_000' is not a number"),
    (b"u3\ti3\t0x10\n", "line 4, column 'timestamp': '0x10' is not a number"),
    (b"u3\ti3\ttrue\n", "line 4, column 'timestamp': 'true' is not a number"),
    ("u3\ti3\t１\n".encode(), "line 4, column 'timestamp': '１' is not a number"),
    (b"u3\ti3\tnan\n", "line 4, column 'timestamp': 'nan' is not a number"),
    (b"u3\ti3\tNAN\n", "line 4, column 'timestamp': 'NAN' is not a number"),
    (b"u3\ti3\tNULL\n", "line 4, column 'timestamp': 'NULL' is not a number"),
    (b"u3\ti3\tinf\n", "line 4, column 'timestamp': 'inf' is not finite"),
    (b"u3\ti3\t-Infinity\n", "line 4, column 'timestamp': '-Infinity' is not finite"),
    (b"u3\ti3\t1e999\n", "line 4, column 'timestamp': '1e999' is not finite"),
    (b'u3\t"i3\t7\nu4\ti4\t8\n', "line 4, column 'item_id': a field opens with a quote (\") that "
     "is not closed"),
    (b"u3\ti\0003\t7\n", "line 4: a null byte stands in the line"),
    (b"u3\ti\xe93\t7\n", "line 4: not utf-8 text (invalid continuation byte); set encoding"),
    (b"\n\nu3\ti3\tx\n", "line 6, column 'timestamp': 'x' is not a number"),
    (b"u3\ti3\t7\r\nu4\ti4\tx\r\n", "line 5, column 'timestamp': 'x' is not a number"),
]  # fmt: skip


@pytest.mark.parametrize("block_size", [0, 1, 40])
@pytest.mark.parametrize(("line", "expected"), LINES)
def test_lines(line: bytes, expected: str, block_size: int, tmp_path: Path) -> None:
    text = complaint(tmp_path, HEADER + GOOD + line, block_size=block_size)
    assert text.startswith(f"d.inter, {expected}")


@pytest.mark.parametrize("block_size", [0, 1_000])
def test_a_line_far_down(block_size: int, tmp_path: Path) -> None:
    lines = [b"u%d\ti%d\t%d\n" % (n % 70, n % 90, n) for n in range(5_000)]
    lines[4_321] = b"u\ti\t\n"
    text = complaint(tmp_path, HEADER + b"".join(lines), block_size=block_size)
    assert text == "d.inter, line 4323, column 'timestamp': is empty"


FEATURES = [
    (b"i1\t1\ta b\t1 2\ni1\t2\tc\t3\n", "line 3, column 'item_id': 'i1' stands on line 2 already"),
    (b"i\t1\ta\t1\n\nk\t1\ta\t1\ni\t1\ta\t1\n", "line 5, column 'item_id': 'i' stands on line 2"),
    (b"\t1\ta\t1\n", "line 2, column 'item_id': is empty"),
    (b"i1\tcheap\ta\t1\n", "line 2, column 'price': 'cheap' is not a number"),
    (b"i1\tinf\ta\t1\n", "line 2, column 'price': 'inf' is not finite"),
    (b"i1\t1\ta\t1 x\n", "line 2, column 'vector': 'x' is not a number"),
    (b"i1\t1\ta\t1 inf\n", "line 2, column 'vector': 'inf' is not finite"),
    (b"i1\t1\ta\t1 nan\n", "line 2, column 'vector': 'nan' is not a number"),
    (b"i1\t1\t" + b'"' + b"x" * 200_000 + b'"\t1\n', "line 2: cannot be split into fields (field "
     "larger than field limit"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "expected"), FEATURES)
def test_features(lines: bytes, expected: str, tmp_path: Path) -> None:
    assert complaint(tmp_path, ITEMS + lines, "item").startswith(f"d.item, {expected}")


def test_items_without_their_id(tmp_path: Path) -> None:
    text = complaint(tmp_path, b"itm_id:token\ttitle:token_seq\n1\ta\n", "item")
    assert text == "d.item, line 1: no column 'item_id' (ITEM_ID_FIELD); did you mean 'itm_id'?"


def test_columns_asked_for_that_are_not_there(tmp_path: Path) -> None:
    load = ["user_id", "item_id", "timestamp", "ratng"]
    header = HEADER.replace(b"timestamp", b"rating:float\ttimestamp")
    text = complaint(tmp_path, header + b"u\ti\t1\t1\n", load=load)
    assert text == "d.inter, line 1: no column 'ratng' (load_col); did you mean 'rating'?"


def test_columns_needed_that_are_not_asked_for(tmp_path: Path) -> None:
    text = complaint(tmp_path, ITEMS + b"i\t1\ta\t1\n", "item", load=["title"])
    assert text == "d.item: load_col and unload_col leave out item_id (ITEM_ID_FIELD)"


def test_separators_that_cannot_be(tmp_path: Path) -> None:
    for separator in ('"', "\n", "a\rb"):
        text = complaint(tmp_path, HEADER + GOOD, separator=separator)
        assert "cannot separate columns" in text
    text = complaint(tmp_path, HEADER + GOOD, separator=",")
    assert "columns are separated by '\\t', where field_separator is ','" in text


def test_other_encodings(tmp_path: Path) -> None:
    content = (HEADER + GOOD).decode().encode("utf-16")
    assert complaint(tmp_path, content) == (
        "d.inter, line 1: not utf-8 text (invalid start byte); set encoding"
    )
    cut = complaint(tmp_path, content[:-1], encoding="utf-16")
    assert cut == "d.inter: not utf-16 text (truncated data); set encoding"


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "d.inter").mkdir()
    with pytest.raises(DataError, match="cannot be read \\(Is a directory\\)"):
        from recbole_ext.data.atomic import AtomicFile, read_header

        read_header(AtomicFile(tmp_path / "d.inter", "\t", "utf-8"))
