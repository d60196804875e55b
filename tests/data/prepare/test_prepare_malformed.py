"""Malformed input: one line with file, line and reason, and nothing left behind."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.data.prepare import prepare
from recbole_ext.errors import DataError

FORMATS = (
    "(sequences: 'user item item ...', one line per user; "
    "pairs: 'user item', one line per interaction; "
    "movielens: ratings.dat, ratings.csv or u.data, or a zip with it; "
    "amazon_ratings: CSV of 'user,item,rating,timestamp'; "
    "amazon_reviews: JSON lines of reviews; yelp: JSON lines of reviews; "
    "columns: any CSV, TSV or Parquet file, by --user_col, --item_col and --time_col)"
)
LINES = "".join(f"u{n} a b c{n}\n" for n in range(5000)).encode()


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "u a b\n")  # a name dates it to now
    return buffer.getvalue()


CASES: list[tuple[str, str | bytes, str]] = [
    ("s.txt", "", "s.txt: is empty"),
    ("s.txt", "\n \n", "s.txt: is empty"),
    ("s.txt.gz", gzip.compress(b"", mtime=0), "s.txt.gz: is empty"),
    ("s.txt", "u1 a b\nu2\n", "s.txt, line 2: user 'u2' has no items"),
    ("s.txt", "u1 a b\nu2 c d\nu1 e\n", "s.txt, line 3: user 'u1' had line 1 already"),
    ("s.txt", "u1 a b\n\nu2 c d\n", "s.txt, line 2: is blank, but the file goes on after it"),
    (
        "s.txt",
        "u1 a NA\n",
        "s.txt, line 1: item 'NA' is a reserved word, RecBole reads it as missing",
    ),
    (
        "s.txt",
        "u1 a b\n[PAD] a b\n",
        "s.txt, line 2: user '[PAD]' is a reserved word, RecBole reads it as missing",
    ),
    (
        "s.txt",
        'u1 a "b\n',
        "s.txt, line 1: item '\"b' starts with a quotation mark, RecBole cannot read it back",
    ),
    (
        "s.txt",
        "u1 a b\nu2 a b\x00c\n",
        "s.txt, line 2: item 'b\\x00c' has white space or a control character in it",
    ),
    (
        "s.txt",
        "u1 a b\ru2 c d\r",
        "s.txt, line 1: has a carriage return inside: end the lines by a line feed",
    ),
    (
        "s.txt",
        b"u1 a b\nu2 a \xe9\n",
        "s.txt, line 2: byte 6 (0xe9) is not UTF-8; "
        "--encoding=latin-1, or whatever the file is in, reads it",
    ),
    ("p.txt", "u1 a\nu1 b\nu1 c d\n", "p.txt, line 3: has 3 fields, 'user item' has 2"),
    ("p.txt", "u1 a\nu1 b\nu1\n", "p.txt, line 3: has 1 fields, 'user item' has 2"),
    (
        "ratings.dat",
        "1::2::3::4\n1::2::3\n",
        "ratings.dat, line 2: has 3 fields, 'user::item::rating::timestamp' has 4",
    ),
    (
        "ratings.dat",
        "1::2::3::4::5\n",
        "ratings.dat, line 1: has 5 fields, 'user::item::rating::timestamp' has 4",
    ),
    ("ratings.dat", "1::2::3::x\n", "ratings.dat, line 1: timestamp 'x' is not a finite number"),
    (
        "ratings.dat",
        "1::2::3::NaN\n",
        "ratings.dat, line 1: timestamp 'NaN' is not a finite number",
    ),
    ("ratings.dat", "1::2::inf::4\n", "ratings.dat, line 1: rating 'inf' is not a finite number"),
    (
        "ratings.dat",
        "1::2::3::1_0\n",
        "ratings.dat, line 1: timestamp '1_0' is not a finite number",
    ),
    (
        "ratings.dat",
        "1::2::3::1e999\n",
        "ratings.dat, line 1: timestamp '1e999' is not a finite number",
    ),
    ("ratings.dat", "1::2::3::\n", "ratings.dat, line 1: timestamp '' is not a finite number"),
    ("ratings.dat", "::2::3::4\n", "ratings.dat, line 1: user is empty"),
    (
        "ratings.dat",
        "1::Toy Story::3::4\n",
        "ratings.dat, line 1: item 'Toy Story' has white space or a control character in it",
    ),
    ("a.txt", "u1 a\nu2 b\n", f"a.txt: can be sequences or pairs; name it by --format {FORMATS}"),
    ("a.csv", "u,i,t\n1,2,3\n", f"a.csv: is of no known format; name it by --format {FORMATS}"),
    (
        "a.json",
        '{"user": 1, "item": 2}\n',
        f"a.json: is of no known format; name it by --format {FORMATS}",
    ),
    (
        "u.data",
        "1\t2\t3\t4\n1\t3\t3\n",
        "u.data, line 2: has 3 fields, 'user item rating timestamp' has 4",
    ),
    (
        "x.tar",
        b"ratings.dat".ljust(257, b"\0") + b"ustar",
        "x.tar: is a tar archive: unpack it and give the file",
    ),
    ("p.parquet", b"PAR1", "p.parquet: is a Parquet file: name its --user_col and --item_col"),
    (
        "d.inter",
        "user_id:token\titem_id:token\n",
        "d.inter: is an atomic file already, it needs no preparation",
    ),
    ("s.txt.xz", b"u1 a b\n", "s.txt.xz: is named .xz, but its content is not .xz data"),
    ("s.zip", b"<!DOCTYPE html>\n", "s.zip: is named .zip, but its content is not .zip data"),
    (
        "s.zip",
        zipped("a", "b")[:60],
        "s.zip: the .zip data is cut off or damaged (File is not a zip file)",
    ),
    (
        "s.zip",
        zipped("a.txt", "b.txt"),
        "s.zip: holds 2 files (a.txt, b.txt); which one is not clear: unpack it and give the file",
    ),
    (
        "s.zip",
        zipped("x/ratings.dat"),
        "s.zip:x/ratings.dat, line 1: has 1 fields, 'user::item::rating::timestamp' has 4",
    ),
]


def refused(path: Path, **arguments: object) -> str:
    """The message; asserts that the working directory holds what it held before."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(DataError) as caught:
        prepare(path, "d", **arguments)  # type: ignore[arg-type]
    assert sorted(Path().rglob("*")) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("name", "content", "expected"), CASES)
def test_refused_in_one_line(
    raw: Callable[..., Path], name: str, content: str | bytes, expected: str
) -> None:
    assert refused(raw(name, content)) == expected


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_cut_off(raw: Callable[..., Path], suffix: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(LINES)
    message = refused(raw(f"s{suffix}", packed[: len(packed) // 2]))
    assert f": the {suffix} data is cut off or damaged (" in message
    assert message.startswith(f"s{suffix}, after line ")


def test_flipped_byte(raw: Callable[..., Path]) -> None:
    packed = bytearray(lzma.compress(LINES))
    packed[len(packed) // 2] ^= 0xFF
    assert ": the .xz data is cut off or damaged (" in refused(raw("s.xz", bytes(packed)))


def test_missing_file_names_the_nearest(raw: Callable[..., Path]) -> None:
    raw("ml-1m.txt", "u a b\n")
    assert refused(Path("ml-1m.tx")) == "ml-1m.tx: no such file; did you mean 'ml-1m.txt'?"


def test_missing_folder(raw: Callable[..., Path]) -> None:
    assert refused(Path("nowhere/a.txt")) == "nowhere/a.txt: no such file"


def test_directory(raw: Callable[..., Path]) -> None:
    Path("folder").mkdir()
    assert refused(Path("folder")) == "folder: is a directory, a file is needed"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"min_user": -1}, "min_user=-1: a number of interactions, 0 or more, is needed"),
        ({"min_item": -2}, "min_item=-2: a number of interactions, 0 or more, is needed"),
        ({"min_user": 9}, "min_user=9, min_item=0: no interaction is left"),
        ({"data_path": "s.txt"}, "s.txt: cannot be made (File exists)"),
        ({"format": "csv"}, f"format 'csv' is unknown; {FORMATS[1:-1]}"),
    ],
)
def test_arguments_refused(
    raw: Callable[..., Path], arguments: dict[str, object], expected: str
) -> None:
    assert refused(raw("s.txt", "u1 a b\nu2 b c\n"), **arguments) == expected


def test_pipe(raw: Callable[..., Path]) -> None:
    os.mkfifo(raw("x", "").with_name("pipe"))
    assert refused(Path("pipe")) == "pipe: is no regular file; write it to one first"


def test_the_name_recbole_keeps_for_itself(raw: Callable[..., Path]) -> None:
    path = raw("s.txt", "u1 a b\n")
    with pytest.raises(DataError) as caught:
        prepare(path, "ml-100k")
    expected = "dataset 'ml-100k': RecBole reads its own copy by this name, take another"
    assert str(caught.value) == expected


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "-x", "a\nb"])
def test_dataset_names_refused(raw: Callable[..., Path], name: str) -> None:
    path = raw("s.txt", "u1 a b\n")
    with pytest.raises(DataError, match="a name of letters, digits"):
        prepare(path, name)
    assert sorted(Path().rglob("*")) == [path]
