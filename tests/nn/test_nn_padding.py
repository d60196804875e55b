"""Padding is not there: neither what stands in it nor how much of it there is matters."""

from __future__ import annotations

import pytest
import torch
from nn_cases import ALL_CASES, LENGTH, SHAPES, Case, build_net, sequences
from torch import Tensor

from recbole_ext.nn.attention import MIXERS, linear
from recbole_ext.nn.block import BlockStyle

SHORT = (5, 4, 4, 2, 1)
LEAKY = BlockStyle(remask_padding=False)


def assert_equal_at_items(wide: Tensor, narrow: Tensor, ids: Tensor) -> None:
    """``wide`` [B, n, d] has more padding on the left than ``narrow`` [B, w, d], ids [B, w]."""
    same = wide[:, -ids.shape[1] :]
    torch.testing.assert_close(same[ids != 0], narrow[ids != 0], rtol=0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("heads", "projection", "norm"), SHAPES)
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_a_trimmed_batch_gives_the_same_states(
    case: Case, heads: int, projection: bool, norm: str, causal: bool
) -> None:
    style = BlockStyle(norm_position=norm)
    net = build_net(
        case, style=style, n_heads=heads, output_projection=projection, causal=causal
    ).double()
    ids = sequences(SHORT)
    narrow = net(ids)
    for width in range(max(SHORT) + 1, LENGTH + 1):
        assert_equal_at_items(net(sequences(SHORT, width)), narrow, ids)


@torch.no_grad()
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_a_row_has_the_same_states_alone_and_in_a_batch(case: Case) -> None:
    net = build_net(case).double()
    ids = sequences(SHORT, LENGTH)
    together = net(ids)
    for row, length in enumerate(SHORT):
        alone = net(ids[row : row + 1, -length:])
        torch.testing.assert_close(together[row, -length:], alone[0], rtol=0, atol=1e-6)


@torch.no_grad()
def test_linear_attention_by_chunks_ignores_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "QUADRATIC_UP_TO", 0)
    monkeypatch.setattr(linear, "CHUNK", 2)
    net = build_net(Case("linear")).double()
    ids = sequences(SHORT)
    assert_equal_at_items(net(sequences(SHORT, LENGTH)), net(ids), ids)


@torch.no_grad()
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_the_embedding_of_padding_changes_no_state(case: Case, causal: bool, norm: str) -> None:
    net = build_net(case, style=BlockStyle(norm_position=norm), causal=causal)
    ids = sequences()
    before = net(ids)
    net.embedding.items.weight[0] = 5.0
    assert torch.equal(net(ids), before)


@torch.no_grad()
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_the_positions_of_padded_slots_change_no_state(case: Case, norm: str) -> None:
    net = build_net(case, style=BlockStyle(norm_position=norm))
    assert net.embedding.positions is not None
    ids = sequences(SHORT, LENGTH)
    before = net(ids)
    net.embedding.positions.weight[: LENGTH - max(SHORT)].normal_(std=3.0)
    assert torch.equal(net(ids), before)
    net.embedding.positions.weight[-1].normal_(std=3.0)
    assert (net(ids) - before)[:, -1].abs().amax(-1).min() > 1e-2


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_padding_gets_no_gradient(case: Case) -> None:
    net = build_net(case)
    assert net.embedding.positions is not None
    ids = sequences(SHORT, LENGTH)
    (net(ids) ** 2)[ids != 0].sum().backward()
    assert net.embedding.items.weight.grad is not None
    assert not net.embedding.items.weight.grad[0].any()
    by_slot = net.embedding.positions.weight.grad
    assert not by_slot[: LENGTH - max(SHORT)].any() and by_slot[-1].any()


@torch.no_grad()
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_a_history_of_padding_alone_is_finite(case: Case) -> None:
    net = build_net(case)
    ids = sequences()
    ids[2] = 0
    assert net(ids).isfinite().all()
    assert net(ids, last_only=True).isfinite().all()


def reach_of_the_newest_item(case: Case, style: BlockStyle) -> float:
    """How much the newest item changes the states of the items before it."""
    net = build_net(case, style=style)
    ids = sequences()
    changed = ids.clone()
    changed[:, -1] = ids[:, -1] % 29 + 1
    earlier = (ids != 0)[:, :-1]
    return float((net(changed) - net(ids))[:, :-1][earlier].abs().max())


@torch.no_grad()
@pytest.mark.parametrize("mixer", [name for name in MIXERS if name != "fixed_pattern"])
def test_without_remasking_a_later_item_reaches_an_earlier_state(mixer: str) -> None:
    assert reach_of_the_newest_item(Case(mixer), LEAKY) > 1e-3
    assert reach_of_the_newest_item(Case(mixer), BlockStyle()) == 0.0


@torch.no_grad()
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_without_padding_remasking_changes_nothing(case: Case) -> None:
    ids = sequences((LENGTH, LENGTH))
    assert torch.equal(build_net(case, style=LEAKY)(ids), build_net(case)(ids))


@torch.no_grad()
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_a_leaking_padded_query_averages_the_values_of_all_slots(case: Case) -> None:
    ids = sequences()
    keep = ids != 0
    mixer = case.build(leak_padding=True, output_projection=False).double()
    x = torch.randn(*ids.shape, 8, dtype=torch.float64)
    parts = getattr(mixer, "parts", [mixer])
    average = sum(part.value(x).mean(1, keepdim=True) for part in parts).expand_as(x)
    torch.testing.assert_close(mixer(x, x, keep)[~keep], average[~keep], rtol=0, atol=1e-9)
