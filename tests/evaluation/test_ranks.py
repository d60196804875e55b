"""Ranks: ties, seen items, infinities, NaN."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.evaluation import ranks as module
from recbole_ext.evaluation.ranks import Ranks, rank_targets

INF = math.inf


def rank(scores: Sequence[Sequence[float]], targets: list[int], seen: list[list[int]]) -> Ranks:
    offsets = torch.tensor([0, *(len(items) for items in seen)]).cumsum(0)
    flat = torch.tensor([item for items in seen for item in items], dtype=torch.long)
    return rank_targets(torch.tensor(scores), torch.tensor(targets), flat, offsets)


def naive(scores: Sequence[float], target: int, without: set[int]) -> float:
    """1 + higher + ties / 2, by comparing one by one."""
    others = [i for i in range(1, len(scores)) if i != target and i not in without]
    higher = sum(scores[i] > scores[target] for i in others)
    return 1 + higher + sum(scores[i] == scores[target] for i in others) / 2


def test_by_hand() -> None:
    scores = [[9.0, 0.1, 0.4, 0.3, 0.2], [9.0, 0.1, 0.4, 0.3, 0.2]]
    found = rank(scores, [3, 1], [[], []])
    assert found.seen_kept.tolist() == [2.0, 4.0]  # PAD's 9 is no candidate
    assert found.seen_masked.tolist() == [2.0, 4.0]
    assert found.seen_kept.dtype == torch.float64


def test_half_of_the_ties() -> None:
    scores = [[0.0, 1.0, 2.0, 1.0, 1.0, 0.0]] * 2
    assert rank(scores, [1, 5], [[], []]).seen_kept.tolist() == [3.0, 5.0]
    assert rank([[0.0] * 5], [2], [[]]).seen_kept.tolist() == [2.5]  # all alike: in the middle


def test_seen_items_leave_the_ranking() -> None:
    scores = [[0.0, 5.0, 4.0, 3.0, 2.0, 1.0]]
    found = rank(scores, [4], [[1, 3, 5]])  # two above the target, one below
    assert (found.seen_kept.item(), found.seen_masked.item()) == (4.0, 2.0)


def test_a_seen_item_counts_once_however_often_it_was_seen() -> None:
    scores = [[0.0, 5.0, 4.0, 3.0, 2.0]]
    assert rank(scores, [4], [[1, 1, 2, 1]]).seen_masked.tolist() == [2.0]


def test_the_target_is_never_masked() -> None:
    scores = [[0.0, 5.0, 4.0, 3.0, 2.0]]
    found = rank(scores, [4], [[4, 1, 4]])
    assert found.seen_masked.tolist() == [3.0]


def test_a_seen_tie_leaves_half_a_rank() -> None:
    assert rank([[0.0, 1.0, 1.0, 1.0]], [1], [[2]]).seen_masked.tolist() == [1.5]


def test_everything_seen() -> None:
    found = rank([[0.0, 5.0, 4.0, 3.0]], [3], [[1, 2, 3]])
    assert found.seen_masked.tolist() == [1.0]


@pytest.mark.parametrize(
    ("scores", "target", "seen", "kept", "masked"),
    [
        ([0.0, 1.0, INF, -INF, 2.0], 1, [2], 3.0, 2.0),
        ([0.0, 1.0, INF, -INF, INF], 2, [3], 1.5, 1.5),
        ([0.0, 1.0, INF, -INF, INF], 2, [4], 1.5, 1.0),  # a tie of infinities
        ([0.0, -INF, -INF, -INF, 1.0], 1, [2, 4], 3.0, 1.5),
        ([-INF, 0.0, 1.0, 2.0, 3.0], 4, [], 1.0, 1.0),
        ([math.nan, 0.0, 1.0, 2.0, 3.0], 4, [], 1.0, 1.0),  # PAD is not looked at
    ],
)
def test_infinities(
    scores: list[float], target: int, seen: list[int], kept: float, masked: float
) -> None:
    found = rank([scores], [target], [seen])
    assert (found.seen_kept.item(), found.seen_masked.item()) == (kept, masked)


@pytest.mark.parametrize("place", [1, 2, 4])
@pytest.mark.parametrize("other", [0.0, INF, -INF])
def test_a_nan_is_an_error(place: int, other: float) -> None:
    scores = [[0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, other, 4.0]]
    scores[1][place] = math.nan
    with pytest.raises(FloatingPointError, match=r"^the model scored an item as NaN; its ranking"):
        rank(scores, [4, 4], [[], []])


LEVELS = st.sampled_from([-INF, -1e38, -1.0, 0.0, 1e-40, 0.5, 1.0, 3e38, INF])


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[list[float]], list[int], list[list[int]]]:
    n_items, n_rows = draw(st.integers(2, 12)), draw(st.integers(1, 5))
    row = st.lists(LEVELS, min_size=n_items, max_size=n_items)
    scores = draw(st.lists(row, min_size=n_rows, max_size=n_rows))
    scores = torch.tensor(scores).tolist()  # as float32 holds them
    item = st.integers(1, n_items - 1)
    targets = draw(st.lists(item, min_size=n_rows, max_size=n_rows))
    seen = draw(st.lists(st.lists(item, max_size=20), min_size=n_rows, max_size=n_rows))
    return scores, targets, seen


@given(problems())
def test_equals_brute_force(problem: tuple[list[list[float]], list[int], list[list[int]]]) -> None:
    scores, targets, seen = problem
    found = rank(scores, targets, seen)
    for row, target in enumerate(targets):
        assert found.seen_kept[row].item() == naive(scores[row], target, set())
        assert found.seen_masked[row].item() == naive(scores[row], target, set(seen[row]))


@pytest.mark.parametrize("cached", [1, 500, 10_000])
def test_however_many_rows_are_compared_at_once(
    cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    scores = torch.randint(0, 40, (17, 101)).float()
    targets = torch.randint(1, 101, (17,))
    none = torch.zeros(0, dtype=torch.long), torch.zeros(18, dtype=torch.long)
    expected = [naive(row.tolist(), int(t), set()) for row, t in zip(scores, targets, strict=True)]
    monkeypatch.setattr(module, "CACHED_BYTES", cached)
    assert rank_targets(scores, targets, *none).seen_kept.tolist() == expected


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions(dtype: torch.dtype) -> None:
    scores = torch.tensor([[0.0, 1.0, 2.0, 2.0, 3.0]], dtype=dtype)
    none = torch.zeros(0, dtype=torch.long), torch.zeros(2, dtype=torch.long)
    assert rank_targets(scores, torch.tensor([2]), *none).seen_kept.tolist() == [2.5]
