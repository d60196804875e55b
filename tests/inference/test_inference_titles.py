"""Titles from .item files, well and badly formed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recbole_ext.errors import DataError
from recbole_ext.inference.titles import ItemFile

HEAD = "item_id:token\tprice:float\ttitle:token_seq\n"
EXAMPLE = "such as user_id:token, item_id:token and timestamp:float"
END = "; an empty title_field does without titles"


@pytest.fixture
def item_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("d.item")


def titles(path: Path, content: str | bytes, title_field: str | None = None) -> dict | None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return ItemFile(path, "item_id", title_field).titles()


def test_titles_stay_as_they_are_written(item_file: Path) -> None:
    rows = {
        "a": "Amélie (2001)",
        "b": '"Great Performances" Cats',
        "c": "It's 12\" long",
        "e": '"',
        "f": '"x" and "y"',
        "g": "None",
    }
    lines = "".join(f"{token}\t1.0\t{title}\n" for token, title in rows.items())
    assert titles(item_file, HEAD + lines + "d\t\t\n") == rows


def test_quotes_of_csv_writers_go(item_file: Path) -> None:
    text = HEAD + '"a"\t1\t"Say ""hi"""\nb\t1\t""\nc\t1\t"Plain"\n'
    assert titles(item_file, text) == {"a": 'Say "hi"', "c": "Plain"}


def test_crlf_and_blank_lines(item_file: Path) -> None:
    assert titles(item_file, HEAD.replace("\n", "\r\n") + "a\t1\tA\r\n\r\nb\t1\tB") == {
        "a": "A",
        "b": "B",
    }


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (["name", "title", "movie_title"], "movie_title"),
        (["name", "title"], "title"),
        (["name"], "name"),
        (["Title", "titles"], None),
    ],
)
def test_which_column_holds_titles(item_file: Path, fields: list[str], found: str | None) -> None:
    header = "\t".join(["item_id:token", *(f"{field}:token_seq" for field in fields)])
    expected = {"a": found} if found else None
    assert titles(item_file, f"{header}\na\t" + "\t".join(fields) + "\n") == expected


def test_a_column_by_name(item_file: Path) -> None:
    assert titles(item_file, HEAD + "a\t1.5\tA\n", "price") == {"a": "1.5"}


def test_no_file_no_titles(item_file: Path) -> None:
    assert ItemFile(item_file, "item_id").titles() is None


def test_none_wanted_none_read(item_file: Path) -> None:
    assert titles(item_file, b"\xff", "") is None


def test_a_changed_file_is_read_again(item_file: Path) -> None:
    assert titles(item_file, HEAD + "a\t1\tA\n") == {"a": "A"}
    item_file.write_text(HEAD + "a\t1\tB\n")
    os.utime(item_file, ns=(1, 1))
    assert ItemFile(item_file, "item_id").titles() == {"a": "B"}


def test_other_separators_and_encodings(item_file: Path) -> None:
    item_file.write_bytes("item_id:token::name:token\na::Ü\n".encode("latin-1"))
    assert ItemFile(item_file, "item_id", None, "::", "latin-1").titles() == {"a": "Ü"}
    item_file.write_bytes("item_id:token|name:token\na|Ü\n".encode("latin-1"))
    assert ItemFile(item_file, "item_id", None, "|", "latin-1").titles() == {"a": "Ü"}


def test_a_separator_between_quotes(item_file: Path) -> None:
    item_file.write_text('item_id:token,name:token\na,"One, two ""three""\nb,B\n')
    assert ItemFile(item_file, "item_id", None, ",").titles() == {"a": 'One, two "three"', "b": "B"}


def test_a_byte_order_mark_is_none_of_the_header(item_file: Path) -> None:
    item_file.write_bytes(b"\xef\xbb\xbfitem_id:token\tname:token\na\tA\n")
    assert ItemFile(item_file, "item_id").titles() == {"a": "A"}


MALFORMED: list[tuple[str | bytes, str | None, str]] = [
    ("", None, f": the file is empty; its first line must name the columns, {EXAMPLE}"),
    ("item_id\ttitle\n", None, f", line 1: 'item_id' is not name:type, {EXAMPLE}"),
    ("id:token\ttitle:token_seq\n", None, ", line 1: no column 'item_id' (ITEM_ID_FIELD); it has "
     "id, title"),
    ("item_id:token\ttitle:token\ttitle:token\n", None, ", line 1: column 'title' is there twice"),
    (HEAD, "titel", ", line 1: no column 'titel' (title_field); did you mean 'title'?"),
    (HEAD, "xyz", ", line 1: no column 'xyz' (title_field); it has item_id, price, title"),
    (HEAD + "a\t1\tA\nb\tB\n", None, ", line 3: 2 columns where the header has 3"),
    (HEAD + "\na\t1\tA\tmore\n", None, ", line 3: 4 columns where the header has 3"),
    (HEAD + "a\t1\tA\na\t1\tB\n", None, ", line 3: item 'a' has another title before"),
    (HEAD.encode() + b"a\t1\tA\nb\t1\t\xff\n", None, ", line 3: not utf-8 text (invalid start "
     "byte); set encoding"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "field", "line"), MALFORMED, ids=range(len(MALFORMED)))
def test_malformed(item_file: Path, content: str | bytes, field: str | None, line: str) -> None:
    with pytest.raises(DataError) as error:
        titles(item_file, content, field)
    assert str(error.value) == f"d.item{line}{END}"


def test_a_column_asked_for_needs_a_file(item_file: Path) -> None:
    with pytest.raises(DataError) as error:
        ItemFile(item_file, "item_id", "title").titles()
    assert str(error.value) == "d.item: cannot be read (No such file or directory)"


def test_a_folder_is_no_file(item_file: Path) -> None:
    item_file.mkdir()
    with pytest.raises(DataError) as error:
        ItemFile(item_file, "item_id").titles()
    assert str(error.value) == f"d.item: cannot be read (Is a directory){END}"
