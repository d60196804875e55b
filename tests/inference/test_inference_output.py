"""Tables, CSV and JSON lines, read back."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from recbole_ext.errors import ConfigError
from recbole_ext.files import checked_output
from recbole_ext.inference.output import WRITERS, chosen_format, write
from recbole_ext.inference.results import Recommendations


def answer(titled: bool = True, known: bool = True) -> Recommendations:
    """Tokens and titles that a careless writer would change."""
    return Recommendations(
        users=["007", "a,b"] if known else None,
        row=np.array([0, 0, 1]),
        rank=np.array([1, 2, 1]),
        item=np.array(["1e5", 'x"y', "Ω"], dtype=object),
        score=np.array([np.float32(0.1), -2.0, 1e-9]),
        title=["One, two", None, "\x1b[31mred\x85"] if titled else None,
    )


def text(form: str, content: Recommendations) -> str:
    file = io.StringIO()
    WRITERS[form](content, file)
    return file.getvalue()


def test_csv_reads_back() -> None:
    rows = list(csv.reader(io.StringIO(text("csv", answer()))))
    assert rows == [
        ["user", "rank", "item", "score", "title"],
        ["007", "1", "1e5", "0.10000000149011612", "One, two"],
        ["007", "2", 'x"y', "-2.0", ""],
        ["a,b", "1", "Ω", "1e-09", "\x1b[31mred\x85"],
    ]
    assert np.float32(rows[1][3]) == np.float32(0.1)


def test_json_lines_read_back() -> None:
    lines = text("jsonl", answer(known=False)).splitlines()
    assert [json.loads(line) for line in lines[:2]] == [
        {"history": 0, "rank": 1, "item": "1e5", "score": 0.10000000149011612, "title": "One, two"},
        {"history": 0, "rank": 2, "item": 'x"y', "score": -2.0, "title": None},
    ]


def test_without_titles_there_is_no_such_column() -> None:
    assert text("csv", answer(titled=False)).splitlines()[:2] == [
        "user,rank,item,score",
        "007,1,1e5,0.10000000149011612",
    ]
    assert "title" not in text("jsonl", answer(titled=False))
    assert "title" not in text("table", answer(titled=False))


def test_the_table_shows_tokens_as_they_are() -> None:
    assert text("table", answer()).splitlines() == [
        "  user    rank    item    score  title",
        "------  ------  ------  -------  ---------------",
        "   007       1     1e5   0.1000  One, two",
        '   007       2     x"y  -2.0000',
        "   a,b       1       Ω   0.0000  \\x1b[31mred\\x85",
    ]


def test_an_empty_answer_is_a_heading() -> None:
    nothing = np.array([], dtype=np.int64)
    empty = Recommendations(["u"], nothing, nothing, nothing.astype(object), nothing * 1.0, None)
    assert text("csv", empty) == "user,rank,item,score\n"
    assert text("jsonl", empty) == ""
    assert text("table", empty).split()[:4] == ["user", "rank", "item", "score"]


@pytest.mark.parametrize(
    ("given", "output", "form"),
    [
        (None, None, "table"),
        (None, "a.csv", "csv"),
        (None, "a.JSONL", "jsonl"),
        (None, "a.txt", "table"),
        (None, "csv", "table"),
        ("table", "a.csv", "table"),
    ],
)
def test_which_format(given: str | None, output: str | None, form: str) -> None:
    assert chosen_format(given, output) == form


@pytest.mark.parametrize("output", ["best.json", "best.parquet", "v1.2"])
def test_an_ending_that_names_no_format(output: str) -> None:
    with pytest.raises(ConfigError, match=rf"^--out: '{output}' ends in no format \(.csv, .js"):
        chosen_format(None, output)
    assert chosen_format("jsonl", output) == "jsonl"


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "best.csv"
    path.write_text("old")
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    write(answer(), "csv", checked_output("--output", str(link)))
    assert link.is_symlink()
    assert path.read_bytes().decode() == text("csv", answer())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["best.csv", "link.csv"]


@pytest.mark.parametrize("device", ["/dev/stdout", "/proc/self/fd/1", "/dev/null"])
def test_devices_are_refused(device: str) -> None:
    """What they lead to may be a log that is only to be appended to."""
    with pytest.raises(ConfigError, match=f"{device} is a device; without --output stdout is wri"):
        checked_output("--output", device, to_stdout=True)


def test_shared_memory_holds_files() -> None:
    place = checked_output("--output", "/dev/shm/best.csv")
    assert place == Path(os.path.realpath("/dev/shm"), "best.csv")


def test_a_read_only_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "best.csv"
    path.touch()
    monkeypatch.setattr(os, "access", lambda place, how: Path(place) != path)  # root may write all
    with pytest.raises(ConfigError, match="cannot be written \\(it is read-only\\)"):
        checked_output("--output", str(path))


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "best.csv"
    path.write_text("old")

    def full(content: Recommendations, file: io.TextIOBase) -> None:
        file.write("half")
        raise OSError(28, os.strerror(28))

    monkeypatch.setitem(WRITERS, "csv", full)
    with pytest.raises(ConfigError) as error:
        write(answer(), "csv", path)
    assert str(error.value) == f"{path} cannot be written (No space left on device)"
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["best.csv"]


def test_stdout_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(ConfigError) as error:
        write(answer(), "jsonl", None)
    assert str(error.value) == "stdout cannot be written (No space left on device)"
