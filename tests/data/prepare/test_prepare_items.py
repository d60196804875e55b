"""A table of items on its way to the atomic file of items."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.data.prepare import prepare
from recbole_ext.data.prepare.settings import Columns, ItemColumns, choose_items
from recbole_ext.errors import DataError
from recbole_ext.inference.titles import ItemFile

Raw = Callable[..., Path]
COLUMNS = Columns("who", "sku", "when")
LOG = "who,sku,when\nu,a,1\nu,b b,2\nv,c,3\n"
ITEMS = (
    "sku;title;price;genres;code;mixed\n"
    'a;"A; the first";1.50;War|Sci Fi;007;1\n'
    "z;Z;9;;008;2\n"
    'b b;"""B"" two";;Drama;7;x\n'
)


def run(raw: Raw, items: str = ITEMS, log: str = LOG, **arguments: Any) -> list[str]:
    """The lines of the item file."""
    chosen = choose_items("i.csv", arguments.pop("id", None), arguments.pop("cols", None))
    raw("i.csv", items)
    given = {"columns": COLUMNS, "spaces": "_", **arguments}
    prepare(raw("t.csv", log), "d", items=chosen, **given)
    return Path("dataset/d/d.item").read_text().splitlines()


def message(raw: Raw, *arguments: Any, **named: Any) -> str:
    with pytest.raises(DataError) as caught:
        run(raw, *arguments, **named)
    assert not Path("dataset").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_all_columns_with_types_found(raw: Raw) -> None:
    assert run(raw) == [
        "item_id:token\ttitle:token\tprice:float\tgenres:token\tcode:token\tmixed:token",
        "a\tA; the first\t1.5\tWar|Sci Fi\t007\t1",
        "b_b\t'B' two\t\tDrama\t7\tx",
    ]
    assert ItemFile(Path("dataset/d/d.item"), "item_id").titles() == {
        "a": "A; the first",
        "b_b": "'B' two",
    }


def test_columns_and_types_given(raw: Raw) -> None:
    rows = run(raw, cols="genres:token_seq, price:token,code:float")
    assert rows == [
        "item_id:token\tgenres:token_seq\tprice:token\tcode:float",
        "a\tWar Sci_Fi\t1.50\t7",
        "b_b\tDrama\t\t7",
    ]


def test_float_seq(raw: Raw) -> None:
    assert run(raw, "sku,v\na,1.0|2.50\n", cols="v:float_seq")[1:] == ["a\t1 2.5"]


@pytest.mark.parametrize("text", ["inf", "nan", "1_0", "01", "-01", "0x1", "1,5"])
def test_what_is_no_number(raw: Raw, text: str) -> None:
    assert run(raw, f"sku\tx\na\t1\nc\t{text}\n")[0] == "item_id:token\tx:token"


@pytest.mark.parametrize("text", ["0", "0.5", "-3", "1e3", "+7", ""])
def test_what_is_a_number(raw: Raw, text: str) -> None:
    assert run(raw, f"sku\tx\na\t1\nc\t{text}\n")[0] == "item_id:token\tx:float"


def test_an_empty_column_is_of_tokens(raw: Raw) -> None:
    assert run(raw, "sku,x\na,\nc,\n") == ["item_id:token\tx:token", "a\t", "c\t"]


def test_white_space_in_values_is_one_space(raw: Raw) -> None:
    assert run(raw, 'sku,x\na,"one\ttwo\n three"\n')[1:] == ["a\tone two three"]


def test_the_report(raw: Raw) -> None:
    raw("i.csv", ITEMS)
    report = prepare(
        raw("t.csv", LOG), "d", columns=COLUMNS, spaces="_", items=ItemColumns("i.csv")
    )
    assert report.described == 2
    lines = str(report).splitlines()
    names = "title:token, price:float, genres:token, code:token, mixed:token"
    assert f"{names} of 2 items in d.item" in lines
    assert "items without a row there: 1; rows of other items: 1" in lines
    assert sum("white space replaced" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("head", "id_", "columns"),
    [
        ("sku,x", None, COLUMNS),
        ("item_id,x", None, COLUMNS),
        ("item_id,x", None, Columns("1", "2", "3")),
        ("nr,x", "nr", COLUMNS),
    ],
)
def test_the_items_column(raw: Raw, head: str, id_: str | None, columns: Columns) -> None:
    log = LOG if columns is COLUMNS else LOG.partition("\n")[2]
    assert run(raw, f"{head}\na,1\n", log, id=id_, columns=columns)[1:] == ["a\t1"]


def test_other_formats_take_items_too(raw: Raw) -> None:
    rows = run(raw, "item_id,x\na,1\n", "u a b\nv b c\n", columns=None, spaces=None)
    assert rows == ["item_id:token\tx:float", "a\t1"]


def test_columns_of_the_interactions_stay_out(raw: Raw) -> None:
    raw("i.csv", "n,sku,rating,a:b,x\n1,a,3,1,1\n".replace("n,", ",", 1))
    report = prepare(
        raw("t.csv", "who,sku\nu,a\n"),
        "d",
        columns=Columns("who", "sku"),
        items=ItemColumns("i.csv"),
    )
    rows = Path("dataset/d/d.item").read_text().splitlines()
    assert rows == ["item_id:token\tx:float", "a\t1"]
    assert report.notes[0] == (
        "columns of i.csv not written: rating, a:b (is the name of a column of the interactions)"
    )


DOUBLE = "sku,x\na,1\nc,3\na,2\na,1\n"


def test_an_item_twice(raw: Raw) -> None:
    assert message(raw, DOUBLE) == (
        "i.csv, line 4: item 'a' has other values than line 2; --bad_rows=skip leaves such rows out"
    )
    assert run(raw, DOUBLE, bad_rows="skip")[1:] == ["a\t1", "c\t3"]


def test_bad_rows_are_left_out_and_counted(raw: Raw) -> None:
    raw("i.csv", DOUBLE + ",5\nb,x\nb\nb,7\n")
    chosen = ItemColumns("i.csv", columns=(("x", "float"),))
    report = prepare(raw("t.csv", LOG), "d", columns=COLUMNS, items=chosen, bad_rows="skip")
    at = report.notes.index("4 of 8 rows of i.csv left out:")
    assert report.notes[at + 1 : at + 5] == (
        "  1 another row of an item (first: line 4)",
        "  1 item is empty (first: line 6)",
        "  1 x is not a finite number (first: line 7)",
        "  1 too few fields (first: line 8)",
    )


@pytest.mark.parametrize(
    ("items", "options", "expected"),
    [
        ("nr,x\na,1\n", {}, "i.csv: has no column 'sku'; it has nr, x; name the item's by --items"),
        ("sku,x\na,1\n", {"id": "sk"}, "i.csv: has no column 'sk'; did you mean 'sku'?; it has"),
        ("sku,sku,x\na,a,1\n", {}, "i.csv: column 'sku' stands there 2 times"),
        ("sku,x\na,1\n", {"cols": "y"}, "i.csv: has no column 'y'; it has sku, x"),
        ("sku,x\na,1\n", {"cols": "x,x"}, "i.csv: column 'x' is there twice; see --items_cols"),
        ("sku,x\na,1\n", {"cols": "x:tokens"}, "items_cols='x:tokens': the type is none of token,"),
        ("sku,rating\na,1\n", {"cols": "rating"}, "i.csv: column 'rating' is the name of a column"),
        ("sku,rating\na,1\n", {}, "i.csv: has no column to write but the item's"),
        ("sku,x\na,p\n", {"cols": "x:float"}, "i.csv, line 2: x 'p' is not a finite number; --bad"),
        ("sku,x\na\n", {}, "i.csv, line 2: has 1 fields, the header has 2; --bad_rows=skip"),
        ("sku,x\nz,1\n", {}, "i.csv: has no item of the interactions: 'z' there, 'a' in the inter"),
        ("sku,x\n", {}, "i.csv: has no row of an item that can be used"),
        ("sku,x\nb_b,1\n", {}, "i.csv, line 2: item 'b_b' would be 'b_b', as 'b b' of the interac"),
        (
            "sku,x\nq_r,1\nq r,1\n",
            {},
            "i.csv, line 3: item 'q r' would be 'q_r', as 'q_r' of",
        ),
        ("PAR1", {}, "i.csv: is a Parquet file, a CSV or TSV of items is needed"),
        (
            "sku,x\nb b,1\n",
            {"spaces": None, "log": LOG.replace("b b", "b")},
            "i.csv, line 2: item 'b b' has white space or a control character in it; --spaces=_",
        ),
    ],
)
def test_refused(raw: Raw, items: str, options: dict[str, Any], expected: str) -> None:
    assert message(raw, items, **options).startswith(expected)


def test_the_header_is_looked_at_before_the_interactions_are_read(raw: Raw) -> None:
    refused = message(raw, "sku,x\na,1\n", "who,sku,when\nu,,1\n", cols="y")
    assert refused.startswith("i.csv: has no column 'y'")


@pytest.mark.parametrize(("id_", "cols"), [("sku", None), (None, "x")])
def test_options_without_the_file(id_: str | None, cols: str | None) -> None:
    with pytest.raises(DataError, match=r"is of a file of items: give it by --items=FILE$"):
        choose_items(None, id_, cols)
