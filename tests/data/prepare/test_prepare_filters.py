"""Minimum counts by hand, against a naive form, and statistics by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.data.prepare import prepare
from recbole_ext.data.prepare.filters import keep_core
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.data.prepare.statistics import Statistics, statistics_of, table
from recbole_ext.errors import DataError

# Items a and b have three users each. d has one, so it goes; then u3 has one item left and goes;
# then c has one user left and goes; u4, who had c and a and b, keeps a and b.
CHAIN = "u1 a b\nu2 a b\nu3 c d\nu4 c a b\n"


def test_two_core_by_hand(raw: Callable[..., Path]) -> None:
    report = prepare(raw("s.txt", CHAIN), "d", min_user=2, min_item=2)
    rows = report.path.read_text().splitlines()[1:]
    assert rows == ["u1\ta\t0", "u1\tb\t1", "u2\ta\t0", "u2\tb\t1", "u4\ta\t1", "u4\tb\t2"]
    assert report.raw_interactions == 9


@pytest.mark.parametrize(
    ("minimum", "users"), [({"min_user": 3}, ["u4"]), ({"min_item": 3}, ["u1", "u2", "u4"])]
)
def test_one_side_alone(
    raw: Callable[..., Path], minimum: dict[str, int], users: list[str]
) -> None:
    path = prepare(raw("s.txt", CHAIN), "d", **minimum).path  # type: ignore[arg-type]
    rows = path.read_text().splitlines()[1:]
    assert sorted({row.split("\t")[0] for row in rows}) == users


def naive_core(rows: list[tuple[int, int]], min_user: int, min_item: int) -> list[tuple[int, int]]:
    while True:
        users, items = Counter(u for u, _ in rows), Counter(i for _, i in rows)
        kept = [(u, i) for u, i in rows if users[u] >= min_user and items[i] >= min_item]
        if kept == rows:
            return rows
        rows = kept


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_core_equals_the_naive_one(
    rows: list[tuple[int, int]], min_user: int, min_item: int
) -> None:
    users, user_codes = np.unique([u for u, _ in rows], return_inverse=True)
    items, item_codes = np.unique([i for _, i in rows], return_inverse=True)
    names = [str(user) for user in users], [str(item) for item in items]
    log = Log(user_codes, item_codes, np.arange(len(rows), dtype=float), *names)
    expected = naive_core(rows, min_user, min_item)
    if not expected:
        with pytest.raises(DataError, match="no interaction is left"):
            keep_core(log, min_user, min_item)
        return
    core = keep_core(log, min_user, min_item)
    pairs = zip(core.users.tolist(), core.items.tolist(), strict=True)
    assert [(int(core.user_tokens[u]), int(core.item_tokens[i])) for u, i in pairs] == expected
    assert sorted(set(core.users.tolist())) == list(range(len(core.user_tokens)))
    assert np.all(np.diff(core.timestamps) > 0)


def test_once_counts_in_the_whole_file(raw: Callable[..., Path]) -> None:
    # d has one user and goes, and with it half of u3, who stays: it had two.
    path = prepare(raw("s.txt", CHAIN), "d", min_user=2, min_item=2, min_mode="once").path
    rows = [row.rpartition("\t")[0] for row in path.read_text().splitlines()[1:]]
    assert rows == ["u1\ta", "u1\tb", "u2\ta", "u2\tb", "u3\tc", "u4\tc", "u4\ta", "u4\tb"]


# user a: item x at 3, 1, 1, 2; item y at 2. user b: x at 2.
REPEATED = "a::x::1::3\na::x::2::1\na::y::3::2\na::x::4::1\nb::x::5::2\na::x::6::2\na::x::7::3\n"


@pytest.mark.parametrize(
    ("which", "ratings"), [("keep", "1234567"), ("first", "235"), ("last", "357")]
)
def test_repeated_pairs_in_time_then_in_the_files_order(
    raw: Callable[..., Path], which: str, ratings: str
) -> None:
    path = prepare(raw("ratings.dat", REPEATED), "d", duplicates=which).path
    assert "".join(row.split("\t")[2] for row in path.read_text().splitlines()[1:]) == ratings


# Midnights of 2018-12-31, 2019-01-01, 2019-01-02 and a second later, as `date -u +%s` gives them.
DAYS = "u::a::1::1546214400\nu::b::1::1546300800\nu::c::1::1546387200\nu::d::1::1546387201\n"


@pytest.mark.parametrize(
    ("window", "items"),
    [
        ({"since": "2019-01-01"}, "bcd"),
        ({"until": "2019-01-02"}, "ab"),
        ({"since": "2019-01-01", "until": "2019-01-02 00:00:01"}, "bc"),
        ({"since": "2019-01-01T01:00:00+01:00"}, "bcd"),
        ({"since": "2018-12-31", "until": ""}, "abcd"),
    ],
)
def test_window(raw: Callable[..., Path], window: dict[str, str], items: str) -> None:
    path = prepare(raw("ratings.dat", DAYS), "d", **window).path
    assert "".join(row.split("\t")[1] for row in path.read_text().splitlines()[1:]) == items


def test_window_then_repeats_then_counts(raw: Callable[..., Path]) -> None:
    # Before 5 lie a's x twice: one with `first`, so a has one item and is dropped.
    lines = "a::x::1::1\na::x::1::2\na::y::1::9\nb::x::1::3\nb::y::1::4\n"
    until = "1970-01-01 00:00:05"
    path = prepare(raw("ratings.dat", lines), "d", until=until, duplicates="first", min_user=2).path
    assert [row[:3] for row in path.read_text().splitlines()[1:]] == ["b\tx", "b\ty"]


def test_statistics_by_hand(raw: Callable[..., Path]) -> None:
    lines = "1::a::5::7\n1::b::5::7\n1::a::5::8\n2::b::5::7\n2::c::5::9\n3::c::5::9\n"
    statistics = prepare(raw("ratings.dat", lines), "d").statistics
    assert statistics == Statistics(
        users=3,
        items=3,
        interactions=6,
        average=2.0,
        shortest=1,
        longest=3,
        density=6 / 9,
        tied=2 / 6,
        repeated=1,
        first=7.0,
        last=9.0,
    )


@pytest.mark.parametrize(
    ("unit", "shown"), [("ms", "2020-09-13"), ("s", "beyond the year 5000: no seconds?")]
)
def test_the_days_of_the_first_and_last(raw: Callable[..., Path], unit: str, shown: str) -> None:
    """Milliseconds taken for seconds are seen at once."""
    file = raw("log.csv", "who,what,when\na,x,1600000000000\nb,y,1700000000000\n")
    columns = Columns("who", "what", "when", unit=unit)
    first, last = str(prepare(file, "d", columns=columns)).splitlines()[-3:-1]
    assert first.split(maxsplit=1)[1].startswith(shown)
    assert last.startswith("last  ") and ("2023-11-14" in last) == (unit == "ms")


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1),
    st.sampled_from([1.0, 0.5, 1e15]),
)
def test_ties_and_repeats_equal_the_naive_counts(
    rows: list[tuple[int, int, int]], scale: float
) -> None:
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    names = [str(code) for code in range(4)]
    statistics = statistics_of(Log(users, items, times * scale, names, names))
    moments = Counter((user, time) for user, _, time in rows)
    assert statistics.tied == sum(n for n in moments.values() if n > 1) / len(rows)
    assert statistics.repeated == len(rows) - len({(user, item) for user, item, _ in rows})


def test_table_marks_what_differs_from_the_published_sizes() -> None:
    statistics = Statistics(
        6040, 3416, 999_611, 165.4985, 4, 2275, 0.048447, 0.5, 0, 956703932.0, 1e9
    )
    text = table(statistics, {"users": 6040, "items": 3706})
    assert text.splitlines() == [
        "                        here     published",
        "users                  6,040         6,040",
        "items                  3,416         3,706  differs",
        "interactions         999,611",
        "average length        165.50",
        "shortest                   4",
        "longest                2,275",
        "density              4.8447%",
        "ties in time          50.00%",
        "repeated pairs             0",
        "first             2000-04-25",
        "last              2001-09-09",
    ]
