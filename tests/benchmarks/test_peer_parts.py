"""What the peers of other environments share: reading, leaving out, timing epochs."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.epoch_clock import EpochClock
from benchmarks.peers.leave_one_out import read_interactions, sizes, training_part
from tests.conftest import write_atomic

TIMES = [5.0, 1.0, 3.0, 3.0, 2.0]


def test_reads_tokens_as_they_are_written(tmp_path: Path) -> None:
    rows = [("007", "NA", 1.5), ("7", "1.0", 1_700_000_000.123456)]
    read = read_interactions(str(write_atomic(tmp_path, "toy", rows)), "toy")
    assert list(read.itertuples(index=False, name=None)) == rows
    assert sizes(read) == {"users": 2, "items": 2, "interactions": 2}


def test_columns_are_found_by_name_whatever_stands_beside_them(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    text = "rating:float\ttimestamp:float\titem_id:token\tuser_id:token\n4\t9\ti\tu\n"
    (tmp_path / "toy" / "toy.inter").write_text(text)
    read = read_interactions(str(tmp_path), "toy")
    assert list(read.itertuples(index=False, name=None)) == [("u", "i", 9.0)]


def test_the_last_two_are_held_out_ties_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [("a", f"i{n}", time) for n, time in enumerate(TIMES)] + [("b", "x", 0), ("b", "y", 1)]
    training = training_part(read_interactions(str(write_atomic(tmp_path, "toy", rows)), "toy"))
    # In time: 1, 4, then the tie 2 before 3, then 0. User b has nothing left.
    assert training["item_id"].tolist() == ["i1", "i4", "i2"]
    assert training["user_id"].tolist() == ["a"] * 3
    assert training.index.tolist() == [0, 1, 2]


def test_agrees_with_a_loop_over_users(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    drawn = rng.integers([9, 40, 25], size=(200, 3))
    rows = [(f"u{u}", f"i{i}", float(t)) for u, i, t in drawn]
    training = training_part(read_interactions(str(write_atomic(tmp_path, "toy", rows)), "toy"))
    for user in {row[0] for row in rows}:
        own = sorted((row for row in rows if row[0] == user), key=lambda row: row[2])
        found = training[training["user_id"] == user]["item_id"].tolist()
        assert found == [item for _, item, _ in own[:-2]]


def clock(times: Iterable[float], batches: int, longest: float) -> EpochClock:
    return EpochClock(batches, longest, now=iter(times).__next__)


def test_short_epochs_are_timed_whole_and_the_first_is_not_counted() -> None:
    watch = clock([0, 1, 4, 5, 9, 10, 12, 20, 26], batches=1, longest=100)
    watch.epoch_starts()  # 0
    watch.batch_starts()  # 1
    watch.batch_starts()  # asks no clock
    assert not watch.batch_ends(2)  # 4
    assert not watch.batch_ends(2)  # 5: a second a batch, two in an epoch
    watch.epoch_ends()  # 9
    for _ in range(2):
        watch.epoch_starts()  # 10, 20
        assert not watch.batch_ends(2)  # asks no clock
        watch.epoch_ends()  # 12, 26
    assert watch.first_batch == 1
    assert watch.epochs == [9, 2, 6]
    assert watch.reading(2, stopped=False) == (4, "median of 2 epochs")


def test_a_long_epoch_is_stopped_and_extrapolated_from_timed_batches() -> None:
    watch = clock([0, 50, 53, 57], batches=2, longest=349)
    watch.epoch_starts()
    ends = [watch.batch_ends(100.0) for _ in range(3)]
    assert ends == [False, False, True]  # 3.5 s a batch, without the first one
    words = "extrapolated from 2 batches (an epoch has 100.0)"
    assert watch.reading(100.0, stopped=True) == (pytest.approx(350), words)


def test_an_epoch_as_long_as_allowed_goes_on() -> None:
    watch = clock([0, 50, 53, 57], batches=2, longest=350)
    watch.epoch_starts()
    assert not any(watch.batch_ends(100.0) for _ in range(3))
    assert not watch.batch_ends(100.0)  # judged once; asks no clock
