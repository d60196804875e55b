"""MovieLens and Amazon tables, and any other by its columns, to the exact atomic file."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recbole_ext.data.prepare import fast_table, prepare
from recbole_ext.data.prepare.fast_table import read_fast
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.table import Layout, read_rows
from recbole_ext.errors import DataError

Inter = Callable[..., list[str]]
Raw = Callable[..., Path]
RATED = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
ROWS = [RATED, "1\t10\t5\t978300760", "2\t10\t3.5\t978300760", "1\t20\t4\t978300761"]
CSV = (
    "userId,movieId,rating,timestamp\n1,10,5.0,978300760\n2,10,3.5,978300760\n1,20,4.0,978300761\n"
)
NUMBERS = CSV.partition("\n")[2]


def zipped(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ratings.csv", CSV),
        ("ratings.csv", CSV.replace("\n", "\r\n")),
        ("ratings.csv", "\ufeff" + CSV + "\n\n"),
        ("ratings.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("ml-20m.zip", zipped({"ml-20m/ratings.csv": CSV, "ml-20m/tags.csv": "x"})),
        ("u.data", NUMBERS.replace(",", "\t")),
        ("ml-100k.zip", zipped({"ml-100k/u.data": NUMBERS.replace(",", "\t"), "ml-100k/u1": ""})),
        ("ratings_Beauty.csv", NUMBERS),
        (
            "a.csv",
            "item,user,rating,timestamp\n10,1,5,978300760\n10,2,3.5,978300760\n20,1,4,978300761",
        ),
        ("a.csv", "user_id,parent_asin,rating,timestamp\n" + NUMBERS.replace("\n", "000\n")),
    ],
)
def test_ratings(inter: Inter, name: str, content: str | bytes) -> None:
    assert inter(name, content) == ROWS


def test_amazon_2018_has_the_item_first(inter: Inter) -> None:
    rows = inter("Beauty.csv", "B000000001,A1RDM2RJCS2TT1,5.0,1\nB000000002,A1RDM2RJCS,4.0,2\n")
    assert rows[1:] == ["A1RDM2RJCS2TT1\tB000000001\t5\t1", "A1RDM2RJCS\tB000000002\t4\t2"]


@pytest.mark.parametrize(
    ("ratings", "content", "items", "text"),
    [
        (
            "ratings.dat",
            NUMBERS.replace(",", "::"),
            "movies.dat",
            "10::Caf\xe9 (1995)::War|Sci-Fi\n",
        ),
        (
            "ratings.csv",
            CSV,
            "movies.csv",
            'movieId,title,genres\n10,"Caf\xe9 (1995)",War|Sci-Fi\n',
        ),
        (
            "u.data",
            NUMBERS.replace(",", "\t"),
            "u.item",
            "10|Caf\xe9 (1995)|01-Jan-1995|||" + "|".join("0" * 15 + "1010") + "\n",
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("packed", [True, False])
def test_titles_and_genres(
    raw: Raw, ratings: str, content: str, items: str, text: str, encoding: str, packed: bool
) -> None:
    # Films 20, without a row there, and 30, without a rating, have none here.
    films = (text + text.split("\n")[-2].replace("10", "30", 1) + "\n").encode(encoding)
    if packed:
        path = raw("ml.zip", zipped({f"ml/{ratings}": content, f"ml/{items}": films}))
    else:
        raw(items, films)
        path = raw(ratings, content)
    report = prepare(path, "d")
    expected = Path("dataset/d/d.item").read_text().splitlines()
    genres = "Sci-Fi War" if items == "u.item" else "War Sci-Fi"
    head = "item_id:token\ttitle:token_seq\tgenres:token_seq"
    assert expected == [head, f"10\tCafé (1995)\t{genres}"]
    assert report.described == 1
    assert "titles and genres of 1 items in d.item" in str(report).splitlines()


def test_titles_stay_one_field_each(raw: Raw) -> None:
    movies = 'movieId,title,genres\n10,"""Great"" Cats\tX",(no genres listed)\n20,"A, B",Drama\n'
    raw("movies.csv", movies)
    prepare(raw("ratings.csv", CSV), "d")
    rows = Path("dataset/d/d.item").read_text().splitlines()[1:]
    assert rows == ["10\t'Great' Cats X\t", "20\tA, B\tDrama"]


def test_an_item_file_that_is_there_stays(raw: Raw) -> None:
    raw("movies.csv", "movieId,title,genres\n10,x,y\n")
    path = raw("ratings.csv", CSV)
    Path("dataset/d").mkdir(parents=True)
    Path("dataset/d/d.item").write_text("mine")
    with pytest.raises(DataError, match=r"^dataset/d/d\.item: is there already; --overwrite"):
        prepare(path, "d")
    assert Path("dataset/d/d.item").read_text() == "mine"
    assert not Path("dataset/d/d.inter").exists()


COLUMNS = Columns("who", "what", "when", "stars")
TABLE = "x,when,what,stars,who\n0,978300760,10,5,1\n0,978300760,10,3.5,2\n0,978300761,20,4,1\n"


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (TABLE, COLUMNS),
        (TABLE.replace(",", "\t"), COLUMNS),
        (TABLE.replace(",", ";"), COLUMNS),
        (TABLE.replace(",", " "), Columns("who", "what", "when", "stars", separator=" ")),
        (TABLE.replace("\n0,", '\n"a,\n\nb",'), COLUMNS),
        (TABLE.replace("97830076", "2000-12-31T22:12:4"), COLUMNS),
        (re.sub(r"97830076(\d)", r"2000-12-31 23:12:4\1+01:00", TABLE), COLUMNS),
        (TABLE.partition("\n")[2], Columns("5", "3", "2", "4")),
        (
            TABLE.replace("760,", "760000,").replace("761,", "761000,"),
            Columns(*COLUMNS.named.values(), unit="ms"),
        ),
    ],
)
def test_any_table(inter: Inter, content: str, columns: Columns) -> None:
    assert inter("t.csv", content, columns=columns) == ROWS


def test_numbers_of_columns_are_not_looked_for_among_names(inter: Inter) -> None:
    rows = inter("t.csv", "1,2,3\n4,5,6\n", columns=Columns("1", "2", "3"))
    assert rows[1:] == ["1\t2\t3", "4\t5\t6"]


def test_without_a_time_the_files_order_is_the_time(inter: Inter) -> None:
    rows = inter("t.csv", "who,what\nu,a\nv,b\nu,c\n", columns=Columns("who", "what"))
    assert rows[1:] == ["u\ta\t0", "v\tb\t0", "u\tc\t1"]


def parquet(**columns: object) -> bytes:
    pytest.importorskip("pyarrow")
    return pd.DataFrame(columns).to_parquet(index=False)


def moments(unit: str) -> object:
    times = np.array([978300760, 978300760, 978300761], dtype="datetime64[s]")
    return pd.Series(times.astype(f"datetime64[{unit}]"))


@pytest.mark.parametrize(
    "when",
    [
        [978300760, 978300760, 978300761],
        [978300760.0, 978300760.0, 978300761.0],
        moments("ns"),
        moments("s"),
        moments("ms").dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),  # type: ignore[attr-defined]
        ["2000-12-31 22:12:40", "2000-12-31 22:12:40", "2000-12-31 22:12:41"],
    ],
)
def test_parquet(inter: Inter, when: object) -> None:
    who, what = pd.Series(["1", "2", "1"], dtype="category"), [10, 10, 20]
    content = parquet(who=who, what=what, stars=[5, 3.5, 4], when=when)
    assert inter("t.parquet", content, columns=COLUMNS) == ROWS


# Mostly sound, or no table would ever get through.
SOUND = ["a", "b1", "Zé", '"q"', 'x"y', '"c,d"', "0", "1.0"]
ODD = ["", '"', "a b", "NA", "\x85", "\0", '""', "a,b", "\t"]
FIELDS = st.sampled_from(SOUND * 8 + ODD)
NUMBERS_AS_TEXT = st.sampled_from(
    ["0", "1.5", "-3", "1e3", " 2", "978300760", ".5", "+7"] * 8 + ["nan", "x", "", "1_0", "0x1"]
)
TABLE_ROWS = st.lists(st.tuples(FIELDS, FIELDS, NUMBERS_AS_TEXT, NUMBERS_AS_TEXT), max_size=5)


def outcome(read: Callable[[Source, Layout], Log | None], source: Source, layout: Layout) -> object:
    try:
        log = read(source, layout)
    except DataError:
        return "refused"
    if log is None:
        return None
    users = [log.user_tokens[code] for code in log.users]
    items = [log.item_tokens[code] for code in log.items]
    ratings = [] if log.ratings is None else log.ratings.tolist()
    return users, items, ratings, log.timestamps.tolist()


@settings(deadline=None)
@given(TABLE_ROWS, st.sampled_from([",", "\t"]), st.sampled_from([1, 2, 1 << 20]))
@example([('"', '"c,d"', "0", "0")], ",", 1)  # a letter behind a closing quotation mark
def test_the_fast_reading_equals_the_slow_one_or_leaves_it_to_that(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, ...]],
    separator: str,
    chunk: int,
) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("".join(separator.join(row) + "\n" for row in rows) + f"u{separator}i")
    path.write_text(path.read_text() + separator + "1" + separator + "2\n")
    layout, source = Layout(separator, 4, "x"), Source(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_table, "CHUNK_ROWS", chunk)
        fast = outcome(read_fast, source, layout)
    assert fast is None or fast == outcome(read_rows, source, layout)


@pytest.mark.parametrize("begins", ["", "\ufeff"])
def test_whole_quoted_fields_are_read_fast(begins: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(begins + '"a,b","i""x""",1,2\r\nu,"i",3,"4"', encoding="utf-8")
    layout, source = Layout(",", 4, "x"), Source(path)
    expected = (["a,b", "u"], ['i"x"', "i"], [1.0, 3.0], [2.0, 4.0])
    assert outcome(read_fast, source, layout) == outcome(read_rows, source, layout) == expected


@pytest.mark.parametrize("column", ["title", "item"])
def test_a_stray_quotation_mark_swallows_no_rows(
    column: str, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one to the next the text would be a single field, rows and all."""
    monkeypatch.setattr(fast_table, "CHUNK_ROWS", 7)
    lines = [f"u{n % 4},i{n},{n},one" for n in range(40)]
    for n in (10, 30):
        lines[n] = f'u0,"i{n},{n},one' if column == "item" else f'u0,i{n},{n},"oops'
    path = raw("t.csv", "u,i,t,title\n" + "\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"t\.csv, line 12: cannot be split into fields, by line 3"):
        prepare(path, "d", columns=Columns("u", "i", "t"))


def test_fields_of_several_lines_are_read(inter: Inter) -> None:
    text = 'u,i,t,title\nu1,a,1,"of\ntwo lines"\nu1,b,2,plain\nu1,c,3,"a ""quoted"" one"\n'
    found = inter("t.csv", text, columns=Columns("u", "i", "t"))
    assert [row.split("\t")[1] for row in found[1:]] == ["a", "b", "c"]


def test_the_fast_reading_takes_what_is_sound(raw: Raw) -> None:
    source = Source(raw("t.csv", NUMBERS * 5))
    fast, slow = (outcome(read, source, Layout(",", 4, "x")) for read in (read_fast, read_rows))
    assert fast is not None and fast == slow
