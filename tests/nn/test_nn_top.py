"""The best k of a row against sorting it in Python."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.nn.top import top_k

FEW_VALUES = st.sampled_from([-float("inf"), -1.0, -0.0, 0.0, 0.5, 2.0, float("inf")])
ROWS = st.integers(1, 12).flatmap(
    lambda width: st.lists(
        st.lists(FEW_VALUES, min_size=width, max_size=width), min_size=1, max_size=4
    )
)


@given(ROWS, st.data())
def test_the_order_is_by_score_then_by_column(rows: list[list[float]], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(rows[0])))
    values, columns = top_k(torch.tensor(rows), k)
    for row, found, where in zip(rows, values.tolist(), columns.tolist(), strict=True):
        order = sorted(range(len(row)), key=lambda column: (-row[column], column))[:k]
        assert found == [row[column] for column in order]
        kept = [pair for pair in zip(found, where, strict=True) if pair[0] > -float("inf")]
        assert [column for _, column in kept] == order[: len(kept)]


@pytest.mark.parametrize("k", [1, 7, 499, 500])
def test_all_equal_gives_the_first_columns(k: int) -> None:
    """Wide enough for torch.topk to leave the order of ties to chance."""
    _, columns = top_k(torch.zeros(3, 500), k)
    assert columns.tolist() == [list(range(k))] * 3


def test_ties_across_the_last_place() -> None:
    scores = torch.ones(1, 3000)
    scores[0, [5, 2999]] = 2.0
    assert top_k(scores, 4)[1].tolist() == [[5, 2999, 0, 1]]
