"""Malformed tables and JSON lines, options that do not fit: one line, and nothing left behind."""

from __future__ import annotations

import builtins
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_ext.data.prepare import fast_table, prepare
from recbole_ext.data.prepare.settings import Columns, choose_columns
from recbole_ext.errors import DataError

Raw = Callable[..., Path]
HEAD = "userId,movieId,rating,timestamp\n"
FIELDS = "'userId,movieId,rating,timestamp' has 4"
YELP = "yelp_academic_dataset_review.json"
REVIEW = '{"user_id": "u", "business_id": "b", "stars": 4, "date": "2019-01-01 00:00:00"}\n'
AMAZON = '{"reviewerID": "u", "asin": "i", "overall": 5, "unixReviewTime": 1}\n'


def refused(path: Path, dataset: str = "d", **arguments: Any) -> str:
    """The message; asserts that the working directory holds what it held before."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(DataError) as caught:
        prepare(path, dataset, **arguments)
    assert sorted(Path().rglob("*")) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("1,2,3\n", f"line 2: has 3 fields, {FIELDS}"),
        ("1,2,3,4\n1,2,3,4,5\n", f"line 3: has 5 fields, {FIELDS}"),
        ("1,2,3,4\n1,2,3,4,5,6\n", f"line 3: has 6 fields, {FIELDS}"),
        ("1,2,3,4\n1,2,3,x\n", "line 3: timestamp 'x' is not a finite number"),
        ("1,2,3,4\n1,2,,4\n", "line 3: rating '' is not a finite number"),
        ("1,2,nan,4\n", "line 2: rating 'nan' is not a finite number"),
        ("1,2,3,1e999\n", "line 2: timestamp '1e999' is not a finite number"),
        ("1,2,3,0x10\n", "line 2: timestamp '0x10' is not a finite number"),
        (",2,3,4\n", "line 2: user is empty"),
        ("1,a b,3,4\n", "line 2: item 'a b' has white space or a control character in it"),
        ("1,2,3,4\n1,b\0c,3,4\n", "line 3: item 'b\\x00c' has white space or a control"),
        ("1,NA,3,4\n", "line 2: item 'NA' is a reserved word, RecBole reads it as missing"),
        ("1,2,3,4\n\n1,2,3,4\n", "line 3: is blank, but the file goes on after it"),
        ('1,"2,3,4\n1,2,3,4\n', "line 2: cannot be split into fields, by line 3 (unexpected end"),
        (b"1,2,3,4\n1,\xe9,3,4\n", "line 3: byte 3 (0xe9) is not UTF-8"),
        ("", "is empty"),
    ],
)
def test_csv(raw: Raw, rows: str | bytes, expected: str) -> None:
    content = HEAD.encode() + (rows.encode() if isinstance(rows, str) else rows)
    joint = ": " if expected == "is empty" else ", "
    assert refused(raw("ratings.csv", content)).startswith(f"ratings.csv{joint}{expected}")


def test_a_fault_in_a_later_chunk(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_table, "CHUNK_ROWS", 4)
    rows = "1,2,3,4\n" * 10
    message = refused(raw("ratings.csv", f"{HEAD}{rows}1,2,3,four\n{rows}"))
    assert message == "ratings.csv, line 12: timestamp 'four' is not a finite number"


def test_a_packed_csv_that_is_cut_off(raw: Raw) -> None:
    packed = gzip.compress("".join(f"{n},{n},3,{n}\n" for n in range(5000)).encode())
    message = refused(raw("x.csv.gz", packed[: len(packed) // 2]), format="amazon_ratings")
    assert message.startswith("x.csv.gz, after line ")
    assert ": the .gz data is cut off or damaged (" in message


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (YELP, REVIEW + REVIEW[:30], "is not JSON (Expecting ':' delimiter at column 31)"),
        (YELP, REVIEW + "[1]\n", "is not a JSON object"),
        (YELP, REVIEW + "[" * 100_000 + "\n", "is JSON that cannot be read"),
        (YELP, REVIEW + REVIEW.replace("stars", "star"), "has no 'stars'"),
        (YELP, REVIEW + REVIEW.replace('"b"', "7"), "business_id '7' is not text"),
        (YELP, REVIEW + REVIEW.replace("4", "null"), "stars 'null' is not a finite number"),
        (YELP, REVIEW + REVIEW.replace("4", "NaN"), "stars 'NaN' is not a finite number"),
        (YELP, REVIEW + REVIEW.replace("-01 ", "-32 "), "date '2019-01-32 00:00:00' is not an ISO"),
        (YELP, REVIEW + REVIEW.replace('"2019-01-01 00:00:00"', "9"), "date '9' is not text"),
        (YELP, REVIEW + REVIEW.replace('"u"', '"\\ud800"'), "user '\\ud800' has half a character"),
        ("x.json", AMAZON + AMAZON.replace('"u"', '""'), "user is empty"),
        ("x.json", AMAZON + AMAZON.replace("Time", "time"), "has no 'unixReviewTime'"),
        ("x.json", AMAZON + AMAZON.replace("1}", "true}"), "unixReviewTime 'true' is not a finite"),
    ],
)
def test_json_lines(raw: Raw, name: str, content: str, expected: str) -> None:
    assert refused(raw(name, content)).startswith(f"{name}, line 2: {expected}")


@pytest.mark.parametrize(
    ("ratings", "movies", "content", "expected"),
    [
        ("ratings.dat", "movies.dat", "1::A::B\n1::A\n", "line 2: has 2 fields, 3 are needed"),
        ("ratings.dat", "movies.dat", "1::A::B\n1::C::D\n", "line 2: film '1' was there already"),
        ("u.data", "u.item", "1|A|B\n", "line 1: has 3 fields, 24 are needed"),
    ],
)
def test_movies(raw: Raw, ratings: str, movies: str, content: str, expected: str) -> None:
    raw(movies, content)
    path = raw(ratings, "1::2::3::4\n" if ratings.endswith("dat") else "1\t2\t3\t4\n")
    assert refused(path) == f"{movies}, {expected}"


TABLE = "user,item,when\nu,a,2019-01-01\nv,b,2019-01-02\n"
BY_NAME = Columns("user", "item", "when")


@pytest.mark.parametrize(
    ("content", "columns", "expected"),
    [
        (
            TABLE,
            Columns("usr", "item", "when"),
            ": has no column 'usr'; did you mean 'user'?; it has user, item, when",
        ),
        (TABLE, Columns("1", "2", "4"), ": has no column '4'; it has user, item, when"),
        (TABLE, Columns("0", "2"), ": has no column '0'; it has user, item, when"),
        (TABLE.replace("item", "user"), BY_NAME, ": column 'user' stands there 2 times"),
        (TABLE + "w,c,soon\n", BY_NAME, ", line 4: timestamp 'soon' is not an ISO date"),
        (TABLE + "w,c,5\n", BY_NAME, ", line 4: timestamp '5' is not an ISO date"),
        (TABLE.replace("2019-01-01", "5"), BY_NAME, ", line 3: timestamp '2019-01-02' is not a"),
        (TABLE + "w,c\n", BY_NAME, ", line 4: has 2 fields, the header has 3"),
        (TABLE + "w,c\n", Columns("item", "when"), ", line 4: has 2 fields, the header has 3"),
        (TABLE, Columns("1", "2", "3"), ", line 1: 'when' is no time, so this looks like a header"),
        ("user,item,when\n", BY_NAME, ": is empty"),
        (TABLE, Columns("user", "item", "when", "when"), ", line 2: rating '2019-01-01' is not a"),
    ],
)
def test_columns(raw: Raw, content: str, columns: Columns, expected: str) -> None:
    message = refused(raw("t.csv", content), columns=columns)
    assert message.startswith(f"t.csv{expected}")


@pytest.mark.parametrize(
    ("who", "columns", "expected"),
    [
        (["u", None], BY_NAME, ", row 2: user is empty"),
        (["u", "a b"], BY_NAME, ", row 2: user 'a b' has white space or a control character in it"),
        ([0.5, 1.5], BY_NAME, ": column 'user' is double, not text or integers"),
        (["u", "v"], Columns("user", "thing"), ": has no column 'thing'"),
        (["u", "v"], Columns("user", "item", "word"), ", row 1: timestamp 'a' is not an ISO date"),
        (["u", "v"], Columns("user", "item", "when", "word"), ": column 'word' is string, not num"),
        (["u", "v"], Columns("user", "item", "bad"), ", row 2: timestamp is not a finite number"),
    ],
)
def test_parquet(raw: Raw, who: list[Any], columns: Columns, expected: str) -> None:
    pytest.importorskip("pyarrow")
    words = ["a", "b"]
    table = {"user": who, "item": words, "word": words, "when": [1, 2], "bad": [1, float("inf")]}
    message = refused(raw("t.parquet", pd.DataFrame(table).to_parquet()), columns=columns)
    assert message.startswith(f"t.parquet{expected}")


def test_parquet_cut_off(raw: Raw) -> None:
    pytest.importorskip("pyarrow")
    content = pd.DataFrame({"user": ["u"], "item": ["a"]}).to_parquet()
    message = refused(raw("t.parquet", content[:-20]), columns=Columns("user", "item"))
    assert message.startswith("t.parquet: is not readable as Parquet (")


def test_parquet_without_pyarrow(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *arguments: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *arguments)

    path = raw("t.parquet", b"PAR1")
    monkeypatch.setattr(builtins, "__import__", absent)
    message = refused(path, columns=Columns("user", "item"))
    expected = "t.parquet: reading Parquet needs pyarrow: python -m pip install pyarrow"
    assert message == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"since": "last year"}, "since='last year': a date like 2019-01-01 is needed"),
        ({"until": "2019-13-01"}, "until='2019-13-01': a date like 2019-01-01 is needed"),
        (
            {"since": "2019-01-02", "until": "2019-01-01"},
            "since=2019-01-02: has to be before until=2019-01-01",
        ),
        ({"since": "2022-01-01"}, "since, until: no interaction is left"),
        ({"duplicates": "frist"}, "duplicates=frist: is none of keep, first, last; did you mean"),
        ({"min_mode": "twice"}, "min_mode=twice: is none of core, once"),
        ({"min_mode": "once", "min_item": 3}, "min_user=0, min_item=3: no interaction is left"),
        ({"format": "columns"}, "format columns: name the columns by --user_col and --item_col"),
        ({"format": "yelp", "columns": BY_NAME}, "format 'yelp': its columns are known"),
        ({"dataset": "downloads"}, "dataset 'downloads': a name of letters, digits,"),
    ],
)
def test_options(raw: Raw, arguments: dict[str, Any], expected: str) -> None:
    path = raw("ratings.dat", "u::a::1::1546214400\nv::a::1::1546300800\n")
    assert refused(path, **arguments).startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("u a b\n", "since, until: this format has no times, only an order"),
        (
            "u,a,1,1546214400000\n",
            "since, until: time 1546214400000 is not in seconds; give --time",
        ),
    ],
)
def test_window_without_seconds(raw: Raw, content: str, expected: str) -> None:
    assert refused(raw("x", content), since="2019-01-01").startswith(expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("u", None, None, None, None, None), "--item_col is missing: name the columns"),
        (("u", "u", None, None, None, None), "--user_col and --item_col are both 'u'"),
        (("u", "i", "u", None, None, None), "--user_col and --time_col are both 'u'"),
        (("u", "i", None, "u", None, None), "--user_col and --rating_col are both 'u'"),
        (("u", "i", "i", None, None, None), "--item_col and --time_col are both 'i'"),
        (("2", "1", "3", "1", None, None), "--item_col and --rating_col are both '1'"),
        ((None, "i", None, None, None, None), "--user_col is missing: name the columns"),
        ((None, None, None, None, ";", None), "--user_col is missing: name the columns"),
        (("u", "i", None, None, ";;", None), "sep=';;': one character, or tab, is needed"),
        (("u", "i", "t", None, None, "h"), "time_unit=h: is none of s, ms, us, ns"),
    ],
)
def test_column_options(arguments: tuple[str | None, ...], expected: str) -> None:
    with pytest.raises(DataError) as caught:
        choose_columns(*arguments)
    assert str(caught.value).startswith(expected)
