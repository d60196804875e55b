"""Bad rows left out and counted, white space in ids replaced, a header taken for data."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_ext.data.prepare import fast_table, prepare
from recbole_ext.data.prepare.cleaning import Cleaner, Cleaning, LeftOut
from recbole_ext.data.prepare.fast_table import read_fast
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.table import Layout, read_rows
from recbole_ext.errors import DataError

Raw = Callable[..., Path]
COLUMNS = Columns("who", "what", "when", "stars")
HEAD = "who,what,when,stars\n"
GOOD = "u,a,1,5\nv,b,2,4\n"
SKIP = "--bad_rows=skip leaves such rows out"
BAD = {
    ",c,3,1\n": "user is empty",
    " ,c,4,1\n": "user is empty",
    "x,,3,1\n": "item is empty",
    "x,c,,1\n": "timestamp is empty",
    "x,c,soon,1\n": "timestamp is not a finite number",
    "x,c,2019-01-01,1\n": "timestamp is not a finite number",
    "x,c,3,\n": "rating is empty",
    "x,c d,3,1\n": "item has white space in it, see --spaces",
    "x,NA,3,1\n": "item is a reserved word, RecBole reads it as missing",
    "x,c,3\n": "too few fields",
    "x,c,3,1,1\n": "too many fields",
    "\n": "line is blank",
}


def message(path: Path, **arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        prepare(path, "d", **arguments)
    assert not Path("dataset").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("row", "reason"), BAD.items())
@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_bad_row(raw: Raw, row: str, reason: str, separator: str) -> None:
    path = raw("t.csv", (HEAD + "u,a,1,5\n" + row + "v,b,2,4\n").replace(",", separator))
    refused = message(path, columns=COLUMNS)
    assert refused.startswith("t.csv, line 3: ") and refused.endswith(SKIP)
    report = prepare(path, "d", columns=COLUMNS, bad_rows="skip")
    assert report.path.read_text().splitlines()[1:] == ["u\ta\t5\t1", "v\tb\t4\t2"]
    assert report.left_out == LeftOut("line", {reason: 1}, {reason: 3})
    assert (report.statistics.users, report.statistics.items, report.raw_interactions) == (2, 2, 2)


def test_the_report_counts_by_reason(raw: Raw) -> None:
    rows = ",c,3,1\nx,c,soon,1\n,c,3,1\nx,,4,4\n"
    report = prepare(raw("t.csv", HEAD + GOOD + rows), "d", columns=COLUMNS, bad_rows="skip")
    lines = str(report).splitlines()
    at = lines.index("4 of 6 rows of t.csv left out:")
    assert lines[at + 1 : at + 4] == [
        "  2 user is empty (first: line 4)",
        "  1 timestamp is not a finite number (first: line 5)",
        "  1 item is empty (first: line 7)",
    ]


def test_clean_data_reads_fast_and_reports_nothing(
    raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("recbole_ext.data.prepare.table.read_rows")
    path = raw("t.csv", HEAD + GOOD)
    report = prepare(path, "d", columns=COLUMNS, bad_rows="skip", spaces="_")
    assert "left out" not in str(report) and "white space" not in str(report)
    assert report.left_out.total == 0


def test_nothing_but_bad_rows(raw: Raw) -> None:
    path = raw("t.csv", HEAD + "u,a,soon,1\nu,a,later,1\n,a,later,1\n")
    assert message(path, columns=COLUMNS, bad_rows="skip") == (
        "t.csv: none of its rows can be used: "
        "2 timestamp is not an ISO date (first: line 2); 1 user is empty (first: line 4)"
    )


@pytest.mark.parametrize("first", ["", "soon", "7"])
def test_the_first_row_alone_does_not_say_what_times_are(raw: Raw, first: str) -> None:
    rows = f"x,c,{first},1\nu,a,2019-01-01,5\nv,b,2019-01-02,4\n"
    report = prepare(raw("t.csv", HEAD + rows), "d", columns=COLUMNS, bad_rows="skip")
    assert report.statistics.interactions == 2
    assert list(report.left_out.first.values()) == [2]


def test_blank_rows_at_the_end_are_none(raw: Raw) -> None:
    path = raw("t.csv", HEAD + GOOD + "\n,,,\n")
    assert prepare(path, "d", columns=COLUMNS, bad_rows="skip").left_out.total == 0


def test_the_first_bad_line_is_named(raw: Raw) -> None:
    path = raw("t.csv", HEAD + ",a,1,5\n\n" + GOOD)
    assert message(path, columns=COLUMNS).startswith("t.csv, line 2: user is empty")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"bad_rows": "skp"}, "bad_rows=skp: is none of error, skip; did you mean 'skip'?"),
        ({"spaces": ""}, "spaces='': a text without white space"),
        ({"spaces": "a b"}, "spaces='a b': a text without white space"),
        ({"spaces": '"'}, "spaces='\"': a text without white space or quotation marks"),
        ({"columns": None, "bad_rows": "skip"}, "--bad_rows, --spaces: are for columns named by"),
    ],
)
def test_options(raw: Raw, arguments: dict[str, Any], expected: str) -> None:
    path = raw("t.csv", HEAD + GOOD)
    assert message(path, **{"columns": COLUMNS, **arguments}).startswith(expected)


SPACED = HEAD + "Ann  B,крем 44,1,5\n Ann B,a,2,4\nc,Harry Potter ,3,3\n"


def test_an_id_with_white_space_names_the_options(raw: Raw) -> None:
    assert message(raw("t.csv", SPACED), columns=COLUMNS) == (
        "t.csv, line 2: user 'Ann  B' has white space or a control character in it; "
        "--spaces=_ puts _ in its place, --bad_rows=skip leaves such rows out"
    )


@pytest.mark.parametrize("bad_row", ["", ",x,1,1\n"])
def test_white_space_is_replaced(raw: Raw, bad_row: str) -> None:
    path = raw("t.csv", SPACED + bad_row)
    report = prepare(path, "d", columns=COLUMNS, spaces="_", bad_rows="skip")
    expected = ["Ann_B\tкрем_44\t5\t1", "Ann_B\ta\t4\t2", "c\tHarry_Potter\t3\t3"]
    assert report.path.read_text().splitlines()[1:] == expected
    users = "white space replaced in 2 user ids, 1 of them the same but for white space"
    assert f"{users}; 'Ann  B' is 'Ann_B'" in report.notes
    assert "white space replaced in 2 item ids; 'крем 44' is 'крем_44'" in report.notes


@pytest.mark.parametrize("bad_rows", ["error", "skip"])
def test_two_ids_that_would_be_one(raw: Raw, bad_rows: str) -> None:
    path = raw("t.csv", HEAD + GOOD + "u,x_y,3,3\nu,a,4,4\nu,x y,5,5\n")
    assert message(path, columns=COLUMNS, spaces="_", bad_rows=bad_rows) == (
        "t.csv, line 6: item 'x y' would be 'x_y', as 'x_y' of line 4 would; "
        "another --spaces keeps them apart"
    )
    assert prepare(path, "d", columns=COLUMNS, spaces="-").statistics.items == 4


def test_a_bad_rows_id_is_no_id(raw: Raw) -> None:
    rows = "u,x_y,soon,3\nu,x y,5,5\n"
    report = prepare(
        raw("t.csv", HEAD + GOOD + rows), "d", columns=COLUMNS, spaces="_", bad_rows="skip"
    )
    assert report.statistics.items == 3


FIELDS = st.sampled_from(["a", "b", "x y", "b c", " a", "b  c"] * 4 + ["b_c", "", "NA"])
ROWS = st.lists(st.tuples(FIELDS, FIELDS, st.sampled_from("123" * 4 + "x")), max_size=6)


def outcome(log: Log) -> list[tuple[str, str, float]]:
    users = [log.user_tokens[code] for code in log.users]
    items = [log.item_tokens[code] for code in log.items]
    return list(zip(users, items, log.timestamps.tolist(), strict=True))


def both(path: Path, chunk: int) -> tuple[object, object]:
    """What the fast and the slow reading make of a table; None where they refuse it."""
    layout = Layout(",", 3, "x", rating=None, time=2)
    fast, slow = (Cleaner(Cleaning("error", "_")) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_table, "CHUNK_ROWS", chunk)
        quick = read_fast(Source(path), layout, fast)
    try:
        whole = read_rows(Source(path), layout, slow)
    except DataError:
        return quick, None
    made = None if quick is None else (outcome(quick), fast.changed())
    return made, (outcome(whole), slow.changed())


@settings(deadline=None)
@given(ROWS, st.sampled_from([1, 2, 1 << 20]))
def test_fast_and_slow_agree_on_white_space(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], chunk: int
) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("".join(",".join(row) + "\n" for row in [*rows, ("u", "i", "1")]))
    fast, slow = both(path, chunk)
    assert fast == slow


def parquet(raw: Raw, **columns: Any) -> Path:
    pytest.importorskip("pyarrow")
    return raw("t.parquet", pd.DataFrame(columns).to_parquet(index=False))


def test_parquet(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recbole_ext.data.prepare.parquet._BATCH_ROWS", 3)
    path = parquet(
        raw,
        who=["u", None, "", "u x", "u x", "v", "w", "u"],
        what=pd.Series(["a", "b", "c", "a", None, "a", "z", "a"], dtype="category"),
        when=["2019-01-01"] * 5 + ["soon", "2019-01-02", "2019-01-03"],
        stars=[1.0, 2, 3, 4, 5, 6, float("inf"), 7],
    )
    assert message(path, columns=COLUMNS) == f"t.parquet, row 2: user is empty; {SKIP}"
    report = prepare(path, "d", columns=COLUMNS, bad_rows="skip", spaces="_")
    rows = ["u\ta\t1\t1546300800", "u_x\ta\t4\t1546300800", "u\ta\t7\t1546473600"]
    assert report.path.read_text().splitlines()[1:] == rows
    assert report.left_out == LeftOut(
        "row",
        {
            "user is empty": 2,
            "item is empty": 1,
            "timestamp is not an ISO date": 1,
            "rating is not a finite number": 1,
        },
        {
            "user is empty": 2,
            "item is empty": 5,
            "timestamp is not an ISO date": 6,
            "rating is not a finite number": 7,
        },
    )


@pytest.mark.parametrize(
    ("head", "numbers", "found"),
    [
        ("Customer ID,what,when,x", Columns("1", "2", "3"), "'when' is no time"),
        ("Customer ID,what,x,stars", Columns("1", "2", None, "4"), "'stars' is no rating"),
    ],
)
def test_a_header_taken_for_data(raw: Raw, head: str, numbers: Columns, found: str) -> None:
    path = raw("t.csv", f"{head}\nu,a,1,5\n")
    refused = message(path, columns=numbers)
    start = f"t.csv, line 1: {found}, so this looks like a header: name the columns, "
    assert refused.startswith(start)
    options = shlex.split(refused[len(start) :].partition(";")[0])
    assert options[:2] == ["--user_col=Customer ID", "--item_col=what"]
    assert prepare(path, "d", columns=numbers, bad_rows="skip").left_out.total == 1
