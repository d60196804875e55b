"""The file of per-user results: as counted one by one, written and read, damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from recbole_ext.data.rows import held_out_rows
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import SequenceStore
from recbole_ext.errors import DataError
from recbole_ext.evaluation.per_user import PerUser, read

SEQUENCES = [[], [1, 2, 3, 4], [2, 2], [3, 1, 2], [4, 3, 2, 1, 2]]  # user 0 is PAD


def made() -> PerUser:
    items = np.concatenate([np.array(s, dtype=np.int64) for s in SEQUENCES])
    users = np.repeat(np.arange(5), [len(s) for s in SEQUENCES])
    store = SequenceStore.from_ordered(items, users, 5, 5)
    split = leave_one_out(store)
    rows = held_out_rows(store, split.test, max_length=2)
    ranks = np.array([1.5, 2.5, 30.0])
    return PerUser.of(rows, ranks, ranks - 0.5, store, split)


def test_history_and_popularity_by_hand() -> None:
    found = made()
    assert found.users.tolist() == [1, 3, 4]
    assert found.targets.tolist() == [4, 2, 2]
    assert found.history_length.tolist() == [3, 2, 4]  # beyond the window of 2
    # Training parts: 1 2 | 2 2 (too short to hold anything out) | 3 | 4 3 2
    assert found.target_popularity.tolist() == [1, 4, 4]


def test_metrics_of_either_protocol() -> None:
    found = made()
    assert found.metric("Hit", 2, masked=False).tolist() == [1, 0, 0]
    assert found.metric("Hit", 2, masked=True).tolist() == [1, 1, 0]
    expected = [1 / np.log2(2.5), 1 / np.log2(3.5), 0]
    assert found.metric("NDCG", 10, masked=False) == pytest.approx(expected)


def test_written_and_read(tmp_path: Path) -> None:
    file = tmp_path / "ranks.safetensors"
    found = made()
    found.write(file, "digest")
    again, data = read(file)
    assert data == "digest"
    for name in PerUser.__dataclass_fields__:
        one, other = getattr(found, name), getattr(again, name)
        assert (one.dtype, one.tolist()) == (other.dtype, other.tolist())


def test_damaged_files(tmp_path: Path) -> None:
    file = tmp_path / "ranks.safetensors"
    with pytest.raises(DataError, match="damaged or no file of ranks"):
        read(file)
    made().write(file, "d")
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(DataError, match="damaged or no file of ranks"):
        read(file)
    save_file({"users": np.arange(3)}, file, metadata={"format": "other"})
    with pytest.raises(DataError, match="not written by recbole_ext"):
        read(file)
    worse = made()
    worse.ranks[0] = 0.0
    worse.write(file, "d")
    with pytest.raises(DataError, match="a rank is below 1"):
        read(file)
