"""Cloze masks: how many, where, and that nothing else changes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.nn.cloze import Cloze

MASK = 100


def rows(length: int, count: int, padding: int = 2) -> torch.Tensor:
    """``count`` right-aligned rows of items 1 .. length behind ``padding`` zeros."""
    row = torch.cat([torch.zeros(padding), torch.arange(1, length + 1)]).long()
    return row.expand(count, -1)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 10, 50])
@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.5, 0.77, 1.0])
def test_the_share_is_exact_up_to_rounding(length: int, ratio: float) -> None:
    torch.manual_seed(0)
    cloze = Cloze(MASK, ratio)
    _, hidden = cloze.hide(rows(length, 5000))
    counts = hidden.sum(1).double()
    allowed = {max(1, math.floor(ratio * length)), max(1, math.ceil(ratio * length))}
    assert set(counts.tolist()) <= allowed
    expected = max(1.0, ratio * length)
    assert abs(counts.mean() - expected) <= 4.5 * counts.std() / 5000**0.5 + 1e-6
    assert cloze.expected_hidden(torch.tensor([length])).item() == pytest.approx(expected)


def test_every_item_is_hidden_equally_often() -> None:
    torch.manual_seed(1)
    _, hidden = Cloze(MASK, 0.3).hide(rows(5, 40_000))
    share = hidden.double().mean(0)
    assert share[:2].tolist() == [0.0, 0.0]  # padding
    assert ((share[2:] - 0.3).abs() < 4.5 * (0.21 / 40_000) ** 0.5).all()


@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_the_last_item_alone(probability: float) -> None:
    torch.manual_seed(2)
    cloze = Cloze(MASK, 0.8, probability)
    _, hidden = cloze.hide(rows(10, 20_000))
    alone = hidden.sum(1) == 1
    assert (hidden[alone, -1]).all()
    error = 4.5 * (probability * (1 - probability) / 20_000) ** 0.5
    assert abs(alone.double().mean() - probability) <= error
    counts = hidden.sum(1).double()
    expected = cloze.expected_hidden(torch.tensor([10])).item()
    assert expected == pytest.approx(probability + (1 - probability) * 8)
    assert abs(counts.mean() - expected) <= 4.5 * counts.std() / 20_000**0.5 + 1e-6


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=6),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_any_batch(lengths: list[int], ratio: float, last: float, extra: int) -> None:
    width = max(lengths) + extra + 1
    ids = torch.zeros(len(lengths), width, dtype=torch.int64)
    for row, length in zip(ids, lengths, strict=True):
        row[width - length :] = torch.arange(1, length + 1)
    inputs, hidden = Cloze(MASK, ratio, last).hide(ids)
    assert (inputs[hidden] == MASK).all() and torch.equal(inputs[~hidden], ids[~hidden])
    assert not hidden[ids == 0].any()
    assert [bool(n) for n in hidden.sum(1)] == [length > 0 for length in lengths]


def test_a_seed_gives_the_same_masks() -> None:
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(Cloze(MASK, 0.5, 0.1).hide(rows(10, 20))[1])
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0][0], drawn[0][1])


def test_the_next_item_is_asked_for_behind_the_history() -> None:
    ids = torch.tensor([[0, 3, 4], [5, 6, 7]])
    assert Cloze(MASK, 0.5).ask_next(ids).tolist() == [[0, 3, 4, MASK], [5, 6, 7, MASK]]
