"""The atomic file: whole or absent, replaced at once, exact numbers."""

from __future__ import annotations

import errno
import hashlib
import math
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.prepare import prepare, writer
from recbole_ext.data.prepare.log import Vocabulary
from recbole_ext.errors import DataError

OLD, NEW = "u1 a b\n", "u2 c d e\n"
Raw = Callable[..., Path]


def test_sha256_is_the_files(raw: Raw) -> None:
    report = prepare(raw("s.txt", OLD), "d")
    assert report.sha256 == hashlib.sha256(report.path.read_bytes()).hexdigest()


def test_an_existing_data_set_stays(raw: Raw) -> None:
    path = prepare(raw("s.txt", OLD), "d").path
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        prepare(raw("s.txt", NEW), "d")
    assert str(caught.value) == "dataset/d/d.inter: is there already; --overwrite replaces it"
    assert path.read_bytes() == before


def test_overwrite_replaces_the_file_and_keeps_its_neighbours(raw: Raw) -> None:
    path = prepare(raw("s.txt", OLD), "d").path
    path.with_suffix(".item").write_text("item_id:token\n")
    report = prepare(raw("s.txt", NEW), "d", overwrite=True)
    assert report.statistics.items == 3
    assert "d.item was there and stays: is it of these items?" in str(report)
    assert path.read_text().splitlines()[1:] == ["u2\tc\t0", "u2\td\t1", "u2\te\t2"]
    assert sorted(os.listdir("dataset/d")) == ["d.inter", "d.item"]
    assert os.listdir("dataset") == ["d"]


def test_a_folder_without_the_file_needs_no_overwrite(raw: Raw) -> None:
    Path("dataset/d").mkdir(parents=True)
    assert prepare(raw("s.txt", OLD), "d").path.exists()


def test_a_file_in_the_folders_place(raw: Raw) -> None:
    raw("d", "x")
    with pytest.raises(DataError, match=r"^d: is a file, a directory is needed$"):
        prepare(raw("s.txt", OLD), "d", data_path=".")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
@pytest.mark.parametrize("step", ["_chunks", "_publish"])
@pytest.mark.parametrize("there", [False, True])
def test_stopped_anywhere_leaves_what_was_there(
    raw: Raw, monkeypatch: pytest.MonkeyPatch, error: BaseException, step: str, there: bool
) -> None:
    if there:
        prepare(raw("s.txt", OLD), "d", data_path="deep/er")
    path = raw("s.txt", NEW)
    before = {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()}
    folders = sorted(file for file in Path().rglob("*") if file.is_dir())

    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(writer, step, stop)
    with pytest.raises((KeyboardInterrupt, DataError)) as caught:
        prepare(path, "d", data_path="deep/er", overwrite=True)
    if isinstance(error, OSError):
        assert str(caught.value) == "deep/er/d/d.inter: cannot be written (No space left)"
    assert {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()} == before
    assert sorted(file for file in Path().rglob("*") if file.is_dir()) == folders


def test_stopped_while_reading(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    path = raw("ratings.dat", "1::2::3::4\n")
    monkeypatch.setattr(Vocabulary, "__missing__", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare(path, "d")
    assert os.listdir() == ["ratings.dat"]


def test_others_may_read_the_folder(raw: Raw) -> None:
    old = os.umask(0o022)
    try:
        path = prepare(raw("s.txt", OLD), "d").path
    finally:
        os.umask(old)
    assert path.parent.stat().st_mode & 0o777 == 0o755
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0, 978300760.0, -3.0], ["0", "978300760", "-3"]),
        ([0.5, 3.0, -0.0], ["0.5", "3", "-0"]),
        ([1e300], ["1e+300"]),
        ([2.0**53 - 1], ["9007199254740991"]),
    ],
)
def test_number_texts(values: list[float], texts: list[str]) -> None:
    assert writer.number_texts(np.array(values)) == texts


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_round_trip(values: list[float]) -> None:
    assert list(map(float, writer.number_texts(np.array(values)))) == values


def test_times_round_trip_through_pandas_as_recbole_reads_it(raw: Raw) -> None:
    times = [0.1, 1 / 3, 1e9 + math.pi, 1541032417.123456]
    lines = "".join(f"1::{n}::4::{time!r}\n" for n, time in enumerate(times))
    path = prepare(raw("ratings.dat", lines), "d").path
    frame = pd.read_csv(path, delimiter="\t", dtype={"timestamp:float": float}, engine="python")
    assert frame["timestamp:float"].tolist() == times


def test_more_rows_than_a_chunk(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_CHUNK", 2)
    path = prepare(raw("s.txt", "u a b c d e\n"), "d").path
    assert path.read_text().splitlines()[1:] == [f"u\t{i}\t{n}" for n, i in enumerate("abcde")]
