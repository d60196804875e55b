"""Draws that a position has read: found as by a loop, and no negatives for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recbole_ext.nn.histories import Histories
from recbole_ext.nn.negatives import InBatch, NegativeSampler, Popularity, Source, Uniform
from recbole_ext.nn.sampled_losses import score

V = 6
COUNTS = torch.tensor([0, 8, 4, 2, 1, 1, 0])
# Two rows; positions read 0 2 2 (row 0), 0 2 2 5 (row 0), 4 1 (row 1), 4 1 4 6 (row 1).
READ = Histories(
    torch.tensor([[0, 2, 2, 5], [4, 1, 4, 6]]),
    torch.tensor([0, 0, 1, 1]),
    torch.tensor([2, 3, 1, 3]),
)
SETS = ({2}, {2, 5}, {1, 4}, {1, 4, 6})
TARGETS = torch.tensor([5, 3, 4, 2])


def by_loop(ids: Tensor) -> list[list[bool]]:
    rows = ids.expand(4, -1).tolist() if ids.dim() == 1 else ids.tolist()
    return [[i in read for i in row] for read, row in zip(SETS, rows, strict=True)]


@pytest.mark.parametrize("ids", [[1, 2, 3, 4, 5, 6], [6, 2, 2, 4, 6], [3], []], ids=str)
def test_a_shared_draw(ids: list[int]) -> None:
    drawn = torch.tensor(ids, dtype=torch.int64)
    assert READ.hold(drawn).tolist() == by_loop(drawn)


def test_a_draw_for_each_position() -> None:
    torch.manual_seed(0)
    drawn = torch.randint(1, V + 1, (4, 50))
    assert READ.hold(drawn).tolist() == by_loop(drawn)


def test_random_rows_agree_with_the_loop() -> None:
    torch.manual_seed(1)
    inputs = (
        torch.randint(0, 40, (9, 7)).sort(1).values.flip(1)
    )  # PAD anywhere: not always in front
    row, newest = torch.randint(9, (60,)), torch.randint(7, (60,))
    ids = torch.randint(1, 40, (200,))
    found = Histories(inputs, row, newest).hold(ids)
    expected = [
        [int(i) in inputs[r, : n + 1].tolist() for i in ids]
        for r, n in zip(row.tolist(), newest.tolist(), strict=True)
    ]
    assert found.tolist() == expected
    assert torch.equal(Histories(inputs, row, newest).hold(ids.expand(60, -1)), found)


def test_no_positions() -> None:
    nobody = Histories(
        torch.ones(2, 3, dtype=torch.int64), *(torch.empty(0, dtype=torch.int64),) * 2
    )
    assert nobody.hold(torch.tensor([1, 2])).shape == (0, 2)
    assert nobody.hold(torch.empty(0, 2, dtype=torch.int64)).shape == (0, 2)


SOURCES: dict[str, list[tuple[Source, int]]] = {
    "uniform": [(Uniform(V), 12)],
    "popularity": [(Popularity(COUNTS, 0.75), 12)],
    "mixed": [(InBatch(COUNTS), 8), (Uniform(V), 4)],
}
SHARE = COUNTS[1:].double() / COUNTS.sum()


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", SOURCES)
def test_the_others_are_left_as_often_as_expected(name: str, shared: bool) -> None:
    """The first position: no negative out of its history {2}, its target 5; m of all the rest."""
    torch.manual_seed(3)
    draw, rounds = NegativeSampler(SOURCES[name], shared), 3000
    table, states = torch.zeros(V + 1, 1), torch.zeros(4, 1)
    found = torch.zeros(rounds, V + 1, dtype=torch.float64)
    others = torch.multinomial(SHARE, 3 * rounds, replacement=True).view(rounds, 3) + 1
    for row, rest in zip(found, others, strict=True):
        targets = torch.cat([TARGETS[:1], rest])
        drawn = draw(targets)
        left = ~score(states, table, targets, drawn).without(READ.hold(drawn.ids)).hits[0]
        ids = drawn.ids if shared else drawn.ids[0]
        row += torch.bincount(ids[left], minlength=V + 1)
    assert not found[:, [2, 5]].any()
    every = torch.tensor([1, 3, 4, 6])
    mean, error = found.mean(0)[every], found.std(0)[every] / rounds**0.5
    expected = draw.expected(every, 4)
    assert ((mean - expected).abs() <= 4.5 * error + 1e-12).all() and expected.min() > 0.5


@pytest.mark.parametrize("name", ["uniform", "popularity"])
def test_logq_estimates_the_sum_over_what_is_not_read(name: str) -> None:
    """Without bias, for 12 negatives: and so misses what the full softmax has of the history."""
    torch.manual_seed(4)
    scores_of = torch.randn(V + 1, 1, dtype=torch.float64)
    many = 20_000
    target = torch.full((many,), 5)
    read = Histories(READ.inputs, torch.ones(many, dtype=torch.int64), torch.full((many,), 3))
    drawn = NegativeSampler(SOURCES[name], shared=False)(target)
    scores = score(torch.ones(many, 1, dtype=torch.float64), scores_of, target, drawn)
    scores = scores.without(read.hold(drawn.ids))
    parts = (scores.negative - scores.log_expected).exp().masked_fill(scores.hits, 0.0)
    sums, e = parts.sum(1), scores_of.squeeze(1).exp()
    error = sums.std() / many**0.5
    assert abs(sums.mean() - (e[2] + e[3])) < 4.5 * error
    assert abs(sums.mean() - (e[1:].sum() - e[5])) > 20 * error
