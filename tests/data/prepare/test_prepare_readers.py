"""Each format, plain and packed, to the exact atomic file; and the guess of the format."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.data.prepare import prepare
from recbole_ext.data.prepare.registry import FORMATS, get_reader
from recbole_ext.errors import DataError

Inter = Callable[..., list[str]]
HEAD = "user_id:token\titem_id:token\ttimestamp:float"
RATED = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
SEQUENCES = "u1 a b\nu2 b c a\n"
SEQUENCE_ROWS = [HEAD, "u1\ta\t0", "u1\tb\t1", "u2\tb\t0", "u2\tc\t1", "u2\ta\t2"]
RATINGS = "1::10::5::978300760\n2::10::3.5::978300760\n1::20::4::978300760\n"
RATING_ROWS = [
    RATED,
    "1\t10\t5\t978300760",
    "2\t10\t3.5\t978300760",
    "1\t20\t4\t978300760",
]


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def test_sequences_time_is_the_place_in_the_line(inter: Inter) -> None:
    assert inter("s.txt", SEQUENCES) == SEQUENCE_ROWS


@pytest.mark.parametrize(
    ("name", "pack"),
    [("s.txt.gz", gzip.compress), ("s.txt.xz", lzma.compress), ("s.txt.bz2", bz2.compress)],
)
def test_packed_files_read_as_plain_ones(
    inter: Inter, name: str, pack: Callable[[bytes], bytes]
) -> None:
    assert inter(name, pack(SEQUENCES.encode())) == SEQUENCE_ROWS


def test_packed_without_a_telling_name(inter: Inter) -> None:
    assert inter("s.txt", lzma.compress(SEQUENCES.encode())) == SEQUENCE_ROWS


def test_zip_of_one_file(inter: Inter) -> None:
    assert inter("s.zip", zipped(**{"s.txt": SEQUENCES})) == SEQUENCE_ROWS


def test_windows_line_ends_byte_order_mark_and_blank_end(inter: Inter) -> None:
    content = b"\xef\xbb\xbf" + SEQUENCES.replace("\n", "\r\n").encode() + b"\r\n\n"
    assert inter("s.txt", content) == SEQUENCE_ROWS


def test_tabs_and_runs_of_spaces_separate(inter: Inter) -> None:
    assert inter("s.txt", "u1\ta  b\nu2 b\tc a") == SEQUENCE_ROWS


def test_pairs_time_is_the_place_among_the_users_lines(inter: Inter) -> None:
    rows = inter("p.txt", "u1 a\nu2 b\nu1 c\nu1 a\nu2 a\n")
    assert rows == [HEAD, "u1\ta\t0", "u2\tb\t0", "u1\tc\t1", "u1\ta\t2", "u2\ta\t1"]


def test_movielens_keeps_the_order_of_ties(inter: Inter) -> None:
    assert inter("ratings.dat", RATINGS) == RATING_ROWS


def test_movielens_in_its_zip(inter: Inter) -> None:
    content = zipped(**{"ml-1m__README": "x", "ml-1m__ratings.dat": RATINGS})
    assert inter("ml-1m.zip", content) == RATING_ROWS


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "u1 a b\nu2 c\n", "sequences"),
        ("a.txt", "u1 a\nu2 c\nu3 a b\n", "sequences"),
        ("a.txt", "u1 a\nu1 b\n", "pairs"),
        ("a.txt", "u1 a\nu2 b\nu1 b\n", "pairs"),
        ("a.txt", "1::2::3::4\n", "movielens"),
        ("ratings.dat", "1::2::3::4\n", "movielens"),
        ("a.csv", "userId,movieId,rating,timestamp\n1,2,3,4\n", "movielens"),
        ("a.csv", "u1,a,5.0,978300760\n", "amazon_ratings"),
        ("a.csv", "user_id,parent_asin,rating,timestamp\nu,a,5.0,1\n", "amazon_ratings"),
    ],
)
def test_format_is_guessed(
    raw: Callable[..., Path], name: str, content: str, expected: str
) -> None:
    assert prepare(raw(name, content), "d").format == expected


def test_format_named_wins_over_the_guess(inter: Inter) -> None:
    assert inter("a.txt", "u1 a\nu2 b\n", format="sequences")[1:] == ["u1\ta\t0", "u2\tb\t0"]


def test_movielens_half_stars_and_old_times(inter: Inter) -> None:
    assert inter("ratings.dat", "a::b::0.5::-1.5\n")[1:] == ["a\tb\t0.5\t-1.5"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_its_reader(name: str) -> None:
    reader = get_reader(name)
    assert callable(reader.read) and reader.matches(["{}"]) is False


def test_unknown_format_names_the_nearest() -> None:
    with pytest.raises(DataError, match="'movielen' is unknown; did you mean 'movielens'"):
        get_reader("movielen")
