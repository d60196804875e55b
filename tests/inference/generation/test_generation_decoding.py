"""Which item each decoder takes, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from recbole_ext.inference.generation.decoding import Beam, Greedy, Sample, draws_of, make_decoder
from recbole_ext.inference.generation.options import RolloutOptions

OUT = -torch.inf


def logits(*probabilities: float) -> list[float]:
    """PAD is no candidate; a probability of 0 neither."""
    return [OUT, *(math.log(p) if p else OUT for p in probabilities)]


def zeros(rows: int) -> Tensor:
    return torch.zeros(rows, dtype=torch.float64)


def drawn(
    uniform: float, *probabilities: float, temperature: float = 1.0, k: int | None = None
) -> int:
    decoder = Sample(np.array([[uniform]]), temperature, k)
    return int(decoder.choose(torch.tensor([logits(*probabilities)]), zeros(1), 0).items)


def test_greedy_takes_the_best_ties_by_id() -> None:
    scores = torch.tensor([logits(0.2, 0.5, 0.3), logits(0.4, 0.2, 0.4)])
    choice = Greedy().choose(scores, zeros(2), 0)
    assert (choice.items.tolist(), choice.parents.tolist()) == ([2, 1], [0, 1])


@pytest.mark.parametrize(
    ("uniform", "item"), [(0.0, 1), (0.19, 1), (0.21, 2), (0.69, 2), (0.71, 4), (0.999999, 4)]
)
def test_a_draw_is_the_inverse_of_the_cumulative_distribution(uniform: float, item: int) -> None:
    """Probabilities .2, .5, 0, .3; item 3 is never drawn."""
    assert drawn(uniform, 0.2, 0.5, 0.0, 0.3) == item


def test_no_rounding_draws_what_is_impossible() -> None:
    largest = float(np.nextafter(1.0, 0.0))
    assert drawn(largest, 0.7, 0.2, 0.1, 0.0) == 3
    assert drawn(0.0, 0.0, 0.2, 0.8) == 2


def test_top_k_draws_among_the_best() -> None:
    """The best two of .2, .5, .3 are items 2 and 3, in this order with .625 and .375."""
    assert [drawn(u, 0.2, 0.5, 0.3, k=2) for u in (0.0, 0.62, 0.63, 0.99)] == [2, 2, 3, 3]
    assert [drawn(u, 0.2, 0.5, 0.3, k=1) for u in (0.0, 0.99)] == [2, 2]
    assert drawn(0.99, 0.2, 0.5, 0.3, k=100) == 1  # all of them, the worst last


def test_temperature_sharpens() -> None:
    """At T = 1/2 the probabilities .2 and .8 become .04 / .68 and .64 / .68."""
    edge = 0.04 / 0.68
    assert [drawn(edge + d, 0.2, 0.8, temperature=0.5) for d in (-1e-6, 1e-6)] == [1, 2]


def test_many_draws_have_the_distribution() -> None:
    uniforms = np.random.default_rng(0).random((20_000, 1))
    scores = torch.tensor([logits(0.1, 0.6, 0.3)]).expand(20_000, -1)
    items = Sample(uniforms).choose(scores, zeros(20_000), 0).items
    shares = torch.bincount(items, minlength=4) / 20_000
    assert torch.allclose(shares, torch.tensor([0.0, 0.1, 0.6, 0.3]), atol=0.012)  # 3.5 sigma


def test_a_beam_finds_the_path_that_greedy_misses() -> None:
    """.6 then at best .4 makes .24; .4 then .9 makes .36."""
    beam = Beam(n_users=1, size=2)
    first = beam.choose(torch.tensor([logits(0.6, 0.4, 0.0)]), zeros(1), 0)
    assert (first.parents.tolist(), first.items.tolist()) == ([0, 0], [1, 2])
    assert first.totals.exp().tolist() == pytest.approx([0.6, 0.4])
    after = torch.tensor([logits(0.3, 0.3, 0.4), logits(0.9, 0.1, 0.0)])
    second = beam.choose(after, first.totals, 1)
    assert (second.parents.tolist(), second.items.tolist()) == ([1, 0], [1, 3])
    assert second.totals.exp().tolist() == pytest.approx([0.36, 0.24])


def test_beams_of_several_users_stay_apart() -> None:
    beam = Beam(n_users=2, size=2)
    scores = torch.tensor([logits(0.6, 0.4), logits(0.1, 0.9)])
    first = beam.choose(scores, zeros(2), 0)
    assert (first.parents.tolist(), first.items.tolist()) == ([0, 0, 1, 1], [1, 2, 2, 1])
    after = torch.tensor([logits(0.5, 0.5), logits(0.2, 0.8), logits(1.0, 0.0), logits(0.5, 0.5)])
    second = beam.choose(after, first.totals, 1)
    # user 1: .3, .3 of one path, .32 of the other; user 2: .9 and 0, .05 twice
    assert second.parents.tolist() == [1, 0, 2, 3]
    assert second.items.tolist() == [2, 1, 1, 1]
    assert second.totals.exp().tolist() == pytest.approx([0.32, 0.3, 0.9, 0.05])


def test_a_beam_wider_than_the_catalogue() -> None:
    first = Beam(1, 10).choose(torch.tensor([logits(0.6, 0.4)]), zeros(1), 0)
    assert first.items.tolist() == [1, 2]


def test_what_a_row_draws_is_its_own() -> None:
    """The same for a row in any batch, another one for each row and each seed."""
    options = RolloutOptions(steps=5, decode="sample", seed=3)
    scores = torch.log(torch.full((1, 1001), 1e-3))
    scores[:, 0] = OUT

    def items(rows: list[int], seed: int = 3) -> list[list[int]]:
        how = RolloutOptions(steps=5, decode="sample", seed=seed)
        decoder = make_decoder(how, np.array(rows), draws_of(how, max(rows) + 1))
        many = scores.expand(len(rows), -1)
        found = [decoder.choose(many, zeros(len(rows)), step).items for step in range(5)]
        return torch.stack(found, 1).tolist()

    together = items([0, 1, 2, 3])
    assert items([2]) == [together[2]]
    assert items([3, 0]) == [together[3], together[0]]
    assert len({tuple(row) for row in together}) == 4
    assert items([0], seed=options.seed + 1) != [together[0]]
