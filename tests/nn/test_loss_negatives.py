"""Negatives: what is drawn how often, against the q and m that are claimed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recbole_ext.nn.negatives import InBatch, NegativeSampler, Popularity, Source, Uniform

V = 6
COUNTS = torch.tensor([99, 8, 4, 2, 1, 1, 0])  # by item id; PAD's must not matter; item 6 unseen
SHARE = COUNTS[1:].double() / 16


def popularity(exponent: float) -> Tensor:
    """[V] by hand: the unseen item counts as one."""
    share = torch.tensor([8.0, 4, 2, 1, 1, 1], dtype=torch.float64) ** exponent
    return share / share.sum()


SOURCES: dict[str, tuple[Source, Tensor]] = {
    "uniform": (Uniform(V), torch.full((V,), 1 / V, dtype=torch.float64)),
    "popularity": (Popularity(COUNTS, 1.0), popularity(1.0)),
    "square root": (Popularity(COUNTS, 0.5), popularity(0.5)),
    "exponent 0": (Popularity(COUNTS, 0.0), torch.full((V,), 1 / V, dtype=torch.float64)),
}


def assert_frequencies(ids: Tensor, share: Tensor) -> None:
    """Each item within 4.5 standard errors of its share."""
    draws = ids.numel()
    found = torch.bincount(ids.flatten(), minlength=V + 1)
    assert len(found) == V + 1 and found[0] == 0  # neither PAD nor [MASK] (id V + 1)
    error = (share * (1 - share) / draws).sqrt()
    assert ((found[1:] / draws - share).abs() <= 4.5 * error).all()


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("shape", [(60_000,), (300, 200)])
def test_items_are_drawn_as_often_as_q_says(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    source, share = SOURCES[name]
    ids = source.draw(shape, torch.tensor([1]))
    assert ids.shape == shape and ids.dtype == torch.int64
    assert_frequencies(ids, share)
    every = torch.arange(1, V + 1)
    torch.testing.assert_close(source.probability(every, 7), share)


def test_the_wrong_distribution_would_be_noticed() -> None:
    torch.manual_seed(1)
    ids = SOURCES["square root"][0].draw((60_000,), torch.tensor([1]))
    with pytest.raises(AssertionError):
        assert_frequencies(ids, SOURCES["popularity"][1])


def test_in_batch_draws_are_the_batchs_targets_alike() -> None:
    torch.manual_seed(1)
    targets = torch.tensor([2, 2, 2, 5, 1, 6, 6, 2])
    ids = InBatch(COUNTS).draw((60_000,), targets)
    assert_frequencies(ids, torch.bincount(targets, minlength=V + 1)[1:].double() / 8)


def test_a_large_catalogue_and_a_draw_at_the_very_end() -> None:
    source = Popularity(torch.ones(1_000_001), 1.0)
    torch.manual_seed(0)
    ids = source.draw((1000,), torch.tensor([1]))
    assert int(ids.min()) >= 1 and int(ids.max()) <= 1_000_000 and ids.unique().numel() > 990
    source.cumulative.mul_(0.5)  # as if rounding had eaten the end
    assert int(source.draw((100,), torch.tensor([1])).max()) == 1_000_000


def sampler(name: str, shared: bool) -> NegativeSampler:
    sources: dict[str, list[tuple[Source, int]]] = {
        "uniform": [(Uniform(V), 12)],
        "popularity": [(Popularity(COUNTS, 0.75), 12)],
        "in_batch": [(InBatch(COUNTS), 12)],
        "mixed": [(InBatch(COUNTS), 8), (Uniform(V), 4)],
    }
    return NegativeSampler(sources[name], shared)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", ["uniform", "popularity", "in_batch", "mixed"])
def test_expected_counts_are_the_mean_counts(name: str, shared: bool) -> None:
    """Position 0 wants item 3, four others what training data want: m of every other item."""
    torch.manual_seed(2)
    draw, rounds = sampler(name, shared), 4000
    others = torch.multinomial(SHARE, 4 * rounds, replacement=True).view(rounds, 4) + 1
    found = torch.zeros(rounds, V + 1, dtype=torch.float64)
    for row, rest in zip(found, others, strict=True):
        drawn = draw(torch.cat([torch.tensor([3]), rest]))
        assert drawn.ids.shape == ((12,) if shared else (5, 12)) == drawn.log_expected.shape
        row += torch.bincount(drawn.ids if shared else drawn.ids[0], minlength=V + 1)
    every = torch.arange(1, V + 1)
    expected = draw.expected(every, 5)
    mean, error = found.mean(0)[1:], found.std(0)[1:] / rounds**0.5
    but_the_target = every != 3
    assert ((mean - expected).abs() <= 4.5 * error + 1e-12)[but_the_target].all()
    assert expected[but_the_target].sum() > 5


def test_expected_counts_by_hand() -> None:
    draw = sampler("mixed", shared=True)
    ids = torch.tensor([1, 6, 4])
    by_hand = [8 * 0.8 * 8 / 16 + 4 / 6, 4 / 6, 8 * 0.8 * 1 / 16 + 4 / 6]
    assert draw.expected(ids, 5).tolist() == pytest.approx(by_hand, rel=1e-12)
    drawn = draw(torch.tensor([1, 2, 3, 4, 5]))
    torch.testing.assert_close(drawn.log_expected.exp(), draw.expected(drawn.ids, 5))


@pytest.mark.parametrize("shared", [True, False])
def test_a_seed_gives_the_same_draws(shared: bool) -> None:
    targets = torch.tensor([1, 2, 3])
    draws = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        draws.append(sampler("mixed", shared)(targets).ids)
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    if not shared:
        assert not torch.equal(draws[0][0], draws[0][1])


def test_hits() -> None:
    drawn = sampler("uniform", shared=True)(torch.tensor([1, 2]))
    hits = drawn.hits(torch.tensor([4, 2]))
    assert hits.tolist() == [[item == target for item in drawn.ids] for target in (4, 2)]


def test_nothing_of_it_is_saved() -> None:
    """Counts come from the data again; a checkpoint holds none."""
    draw = sampler("mixed", shared=True)
    assert draw.state_dict() == {} and not list(draw.parameters())
    assert {name for name, _ in draw.named_buffers()} == {"sources.0.share"}


@pytest.mark.parametrize("shared", [True, False])
def test_no_positions_no_draws(shared: bool) -> None:
    drawn = sampler("mixed", shared)(torch.empty(0, dtype=torch.int64))
    assert drawn.ids.numel() == 0 and drawn.hits(torch.empty(0, dtype=torch.int64)).shape[0] == 0
