"""The subcommand, and a round trip of any sequences through an atomic file."""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES

from recbole_ext.data.prepare import add_arguments, main, prepare
from recbole_ext.data.prepare.log import FieldError, Vocabulary
from recbole_ext.data.prepare.registry import FORMATS
from recbole_ext.data.reserved import MISSING
from recbole_ext.errors import DataError


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_main_prints_the_report(
    raw: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    raw("s.txt", "u1 a b\nu2 b c d\nu3 d\n")
    assert main(parse("--input=s.txt", "--dataset=d", "--data_path=here", "--min_user=2")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "here/d/d.inter from s.txt (format sequences; min_user=2; 5 of 6 interactions kept)"
    )
    assert lines[1:4] == [
        "users                      2",
        "items                      4",
        "interactions               5",
    ]
    head = "user_id:token\titem_id:token\ttimestamp:float\n"
    rows = "u1\ta\t0\nu1\tb\t1\nu2\tb\t0\nu2\tc\t1\nu2\td\t2\n"
    assert lines[-1] == f"sha256 {hashlib.sha256((head + rows).encode()).hexdigest()}"


def test_main_lets_a_users_mistake_through(raw: Callable[..., Path]) -> None:
    raw("s.txt", "u1 a b\n")
    with pytest.raises(DataError, match=r"^s\.tx: no such file; did you mean 's\.txt'\?$"):
        main(parse("--input=s.tx", "--dataset=d"))


def test_overwrite_is_a_switch(raw: Callable[..., Path]) -> None:
    raw("s.txt", "u1 a b\n")
    assert [main(parse("--input=s.txt", "--dataset=d", *more)) for more in ([], ["--overwrite"])]
    assert parse("--input=s.txt", "--dataset=d").overwrite is False


def test_all_options_arrive(raw: Callable[..., Path]) -> None:
    raw("t.csv", "when;who;what;stars\n1577836800000;u;a;5\n1609459200000;u;a;3\n0;u;a;1\n")
    columns = ("--user_col=who", "--item_col=what", "--time_col=when", "--rating_col=stars")
    options = ("--sep=;", "--time_unit=ms", "--since=2019-01-01", "--until=2022-01-01")
    kept = ("--duplicates=last", "--min_user=1", "--min_item=1", "--min_mode=once")
    assert main(parse("--input=t.csv", "--dataset=d", *columns, *options, *kept)) == 0
    assert Path("dataset/d/d.inter").read_text().splitlines()[1:] == ["u\ta\t3\t1609459200"]


def test_the_options_of_odd_tables_and_items_arrive(raw: Callable[..., Path]) -> None:
    raw("t.csv", "who;what\nJosé;the x\n;y\n".encode("latin-1"))
    raw("i.csv", "nr,title,year\nthe x,Thé,2000\n".encode("latin-1"))
    columns = ("--user_col=who", "--item_col=what", "--encoding=latin-1")
    options = ("--bad_rows=skip", "--spaces=-")
    items = ("--items=i.csv", "--items_id_col=nr", "--items_cols=title:token")
    assert main(parse("--input=t.csv", "--dataset=d", *columns, *options, *items)) == 0
    assert Path("dataset/d/d.inter").read_text("utf-8").splitlines()[1:] == ["José\tthe-x\t0"]
    expected = ["item_id:token\ttitle:token", "the-x\tThé"]
    assert Path("dataset/d/d.item").read_text("utf-8").splitlines() == expected


def test_help_names_every_format() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    text = " ".join(parser.format_help().split())
    assert [name for name in FORMATS if not re.search(rf"\b{name}\b", text)] == []


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import argparse, sys; from recbole_ext.data.prepare import add_arguments; "
        "add_arguments(argparse.ArgumentParser()); "
        "print([m for m in ('numpy', 'pandas', 'torch', 'recbole') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def writable(token: str) -> bool:
    try:
        return Vocabulary("token")[token] == 0
    except FieldError:
        return False


def test_what_pandas_reads_as_missing_is_refused() -> None:
    assert STR_NA_VALUES - {""} == MISSING
    assert [token for token in STR_NA_VALUES if writable(token)] == []


TOKENS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4).filter(writable)
HISTORIES = st.dictionaries(TOKENS, st.lists(TOKENS, min_size=1, max_size=6), min_size=1)


@settings(deadline=None)
@given(HISTORIES)
def test_sequences_come_back_as_recbole_reads_them(histories: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "raw.txt")
        text = "".join(f"{user} {' '.join(items)}\n" for user, items in histories.items())
        path.write_bytes(text.encode())
        result = prepare(path, "d", data_path=folder, format="sequences").path
        # as RecBole reads an atomic file
        types = {"user_id:token": str, "item_id:token": str, "timestamp:float": float}
        frame = pd.read_csv(result, delimiter="\t", dtype=types, engine="python", encoding="utf-8")
    frame.columns = ["user", "item", "time"]
    back = {user: rows["item"].tolist() for user, rows in frame.groupby("user", sort=False)}
    assert back == histories
    places = frame.groupby("user", sort=False)["time"].apply(list)
    assert all(times == list(range(len(times))) for times in places)
