"""No output depends on a later item: bitwise, with padding, LayerNorm biases and two blocks."""

from __future__ import annotations

import pytest
import torch
from nn_cases import ALL_CASES, CASES, LENGTH, N_ITEMS, SHAPES, Case, Net, build_net, sequences
from torch import Tensor

from recbole_ext.nn.attention import MIXERS, linear
from recbole_ext.nn.block import BlockStyle


def with_other_item(ids: Tensor, slot: int) -> Tensor:
    """Another real item at ``slot`` of each row that has one there."""
    changed = ids.clone()
    changed[:, slot] = torch.where(ids[:, slot] == 0, 0, ids[:, slot] % (N_ITEMS - 1) + 1)
    return changed


def assert_causal(net: Net) -> None:
    ids = sequences()
    before = net(ids)
    for slot in range(1, LENGTH):
        after = net(with_other_item(ids, slot))
        assert torch.equal(before[:, :slot], after[:, :slot])
        real = ids[:, slot] != 0
        assert (before[real, slot] - after[real, slot]).abs().amax(-1).min() > 1e-4


def test_all_registered_mixers_are_under_test() -> None:
    assert {name for case in ALL_CASES for name in case.names} == set(MIXERS)


@torch.no_grad()
@pytest.mark.parametrize(("heads", "projection", "norm"), SHAPES)
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_a_later_item_changes_no_earlier_output(
    case: Case, heads: int, projection: bool, norm: str
) -> None:
    style = BlockStyle(norm_position=norm)
    assert_causal(build_net(case, style=style, n_heads=heads, output_projection=projection))


@torch.no_grad()
@pytest.mark.parametrize(
    "style",
    [BlockStyle(residual_from="normed"), BlockStyle(value_input="raw")],
    ids=["residual_from", "value_input"],
)
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_the_wiring_of_a_block_leaks_nothing(case: Case, style: BlockStyle) -> None:
    assert_causal(build_net(case, style=style, n_layers=3))


@torch.no_grad()
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_one_feed_forward_network_at_the_end_leaks_nothing(case: Case) -> None:
    assert_causal(build_net(case, ffn_per_block=False, value_bias=False))


@torch.no_grad()
@pytest.mark.parametrize("chunk", [1, 3])
def test_linear_attention_by_chunks_is_causal(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "QUADRATIC_UP_TO", 0)
    monkeypatch.setattr(linear, "CHUNK", chunk)
    assert_causal(build_net(Case("linear")))


@torch.no_grad()
@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_the_causal_mask_every_real_output_sees_every_real_item(case: Case) -> None:
    net = build_net(case, n_layers=1, causal=False)
    ids = sequences()
    before = net(ids)
    for slot in range(1, LENGTH):
        after = net(with_other_item(ids, slot))
        touched = (ids != 0) & (ids[:, slot] != 0).unsqueeze(1)
        assert (before - after)[touched].abs().amax(-1).min() > 1e-7
