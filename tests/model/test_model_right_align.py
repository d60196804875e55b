"""Left-aligned ids, as RecBole hands them over, to right-aligned ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_ext.model.base import right_align


def test_rows_move_to_the_right_and_the_width_is_the_longest() -> None:
    ids = torch.tensor([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [5, 6, 0, 0, 0]])
    aligned = right_align(ids, torch.tensor([3, 1, 2]))
    assert aligned.tolist() == [[1, 2, 3], [0, 0, 4], [0, 5, 6]]


def test_what_stands_behind_a_history_is_dropped() -> None:
    ids = torch.tensor([[1, 2, 9, 9], [3, 9, 9, 9]])
    assert right_align(ids, torch.tensor([2, 1])).tolist() == [[1, 2], [0, 3]]


@pytest.mark.parametrize("lengths", [[0, 2], [0, 0]])
def test_an_empty_history_is_all_padding(lengths: list[int]) -> None:
    aligned = right_align(torch.tensor([[9, 9, 9], [4, 5, 9]]), torch.tensor(lengths))
    assert aligned.shape == (2, max(1, *lengths))
    assert not aligned[0].any()
    assert aligned[1].tolist() == ([4, 5] if lengths[1] else [0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(1, 99), max_size=6), min_size=1), st.integers(0, 3))
def test_any_batch(rows: list[list[int]], extra: int) -> None:
    width = max(max(map(len, rows)), 1)
    ids = torch.zeros(len(rows), width + extra, dtype=torch.int64)
    for target, row in zip(ids, rows, strict=True):
        target[: len(row)] = torch.tensor(row, dtype=torch.int64)
    aligned = right_align(ids, torch.tensor([len(row) for row in rows]))
    assert aligned.tolist() == [[0] * (width - len(row)) + row for row in rows]
