"""Paper against released code: each switch changes what it names, by how much it says, no more."""

from __future__ import annotations

import pytest
import torch
from nn_cases import (
    ALL_CASES,
    ATTENTIONS,
    CASES,
    LENGTH,
    SOFTMAX_BY_POSITION,
    Case,
    Net,
    build_net,
    sequences,
)
from torch import Tensor

from recbole_ext.nn.block import Block, BlockStyle
from recbole_ext.nn.embedding import ItemEncoder, SequenceEmbedding

FULL = (LENGTH, LENGTH)  # no padding


def same_parameters(net: Net, source: Net) -> Net:
    """``net`` with the values of all parameters that ``source`` has too."""
    missing, unexpected = net.load_state_dict(source.state_dict(), strict=False)
    assert not (missing and unexpected)
    return net


def names(net: Net) -> set[str]:
    return set(net.state_dict())


@torch.no_grad()
@pytest.mark.parametrize("case", SOFTMAX_BY_POSITION, ids=str)
def test_mask_after_softmax_changes_all_rows_but_the_last(case: Case) -> None:
    """In one layer: the newest position sees all slots, so nothing is masked there."""
    before = build_net(case, n_layers=1)
    after = same_parameters(build_net(case, n_layers=1, mask_after_softmax=True), before)
    assert names(after) == names(before)
    ids = sequences(FULL)
    difference = (after(ids) - before(ids)).abs().amax(-1)
    assert difference[:, :-1].min() > 1e-3
    assert difference[:, -1].max() < 1e-6


def by_hand(block: Block, x: Tensor, keep: Tensor, style: BlockStyle) -> Tensor:
    """A block written out."""
    assert block.feed_forward is not None
    if style.norm_position == "post":
        x = block.mixer_norm(x + block.mixer(x, x, keep))
        x = block.feed_forward_norm(x + block.feed_forward(x))
    else:
        normed = block.mixer_norm(x)
        values = {"normed": normed, "raw": x}[style.value_input]
        x = {"input": x, "normed": normed}[style.residual_from] + block.mixer(normed, values, keep)
        normed = block.feed_forward_norm(x)
        x = {"input": x, "normed": normed}[style.residual_from] + block.feed_forward(normed)
    return x * keep.unsqueeze(-1) if style.remask_padding else x


STYLES = [
    BlockStyle(),
    BlockStyle(value_input="raw"),
    BlockStyle(residual_from="normed"),
    BlockStyle(value_input="raw", residual_from="normed"),
]
POST = BlockStyle(norm_position="post")


def named(style: BlockStyle) -> str:
    return f"{style.norm_position}-{style.value_input}-{style.residual_from}"


@torch.no_grad()
@pytest.mark.parametrize("style", [*STYLES, POST], ids=named)
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_a_stack_of_blocks_is_what_is_written(case: Case, style: BlockStyle) -> None:
    net = build_net(case, style=style)
    ids = sequences()
    keep = ids != 0
    x = net.embedding(ids, keep)
    for block in net.encoder.blocks:
        x = by_hand(block, x, keep, style)
    assert torch.equal(net(ids), net.encoder.final_norm(x))


@torch.no_grad()
@pytest.mark.parametrize("style", STYLES[1:], ids=named)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_wiring_changes_the_states(case: Case, style: BlockStyle) -> None:
    plain = build_net(case)
    changed = same_parameters(build_net(case, style=style), plain)
    assert names(changed) == names(plain)
    ids = sequences()
    assert (changed(ids) - plain(ids))[ids != 0].abs().amax(-1).min() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("style", STYLES[1:], ids=named)
def test_post_norm_has_one_wiring(style: BlockStyle) -> None:
    case = Case("positional")
    post = build_net(case, style=POST)
    other = BlockStyle("post", style.residual_from, style.value_input)
    ids = sequences()
    assert torch.equal(build_net(case, style=other)(ids), post(ids))


@torch.no_grad()
@pytest.mark.parametrize("case", ATTENTIONS, ids=str)
def test_value_bias_adds_b_and_nothing_else(case: Case) -> None:
    plain = build_net(case, value_bias=False)
    biased = build_net(case)
    extra = names(biased) - names(plain)
    assert extra == {name for name in names(biased) if name.endswith(".value.bias")}
    assert len(extra) == 2 * len(case.names)
    same_parameters(biased, plain)
    ids = sequences()
    assert (biased(ids) - plain(ids))[ids != 0].abs().amax(-1).min() > 1e-3
    for name in extra:
        biased.get_parameter(name).zero_()
    torch.testing.assert_close(biased(ids), plain(ids), rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_one_feed_forward_network_stands_after_the_last_block(norm: str) -> None:
    style = BlockStyle(norm_position=norm)
    each = build_net(Case("positional"), style=style, n_layers=3)
    final = same_parameters(
        build_net(Case("positional"), style=style, n_layers=3, ffn_per_block=False), each
    )
    lost = {name.split(".")[2] for name in names(each) - names(final) if "feed_forward" in name}
    assert lost == {"0", "1"} and names(final) < names(each)
    assert all("feed_forward" in name for name in names(each) - names(final))
    ids = sequences()
    assert (each(ids) - final(ids))[ids != 0].abs().amax(-1).min() > 1e-3
    if norm == "pre":  # an FFN that gives zero leaves its residual
        for block in each.encoder.blocks[:2]:
            block.feed_forward.contract.weight.zero_()
            block.feed_forward.contract.bias.zero_()
        assert torch.equal(each(ids), final(ids))


@torch.no_grad()
@pytest.mark.parametrize("case", CASES, ids=str)
def test_position_embeddings_are_added_by_slot_from_the_end(case: Case) -> None:
    without = build_net(case, learned_positions=False)
    learned = same_parameters(build_net(case), without)
    assert names(learned) - names(without) == {"embedding.positions.weight"}
    ids = sequences()
    assert (learned(ids) - without(ids))[ids != 0].abs().amax(-1).min() > 1e-3
    assert learned.embedding.positions is not None
    keep = ids[:, -4:] != 0
    added = learned.embedding(ids[:, -4:], keep) - without.embedding(ids[:, -4:], keep)
    expected = learned.embedding.positions.weight[-4:] * keep.unsqueeze(-1)
    torch.testing.assert_close(added, expected, rtol=0, atol=1e-6)
    learned.embedding.positions.weight.zero_()
    assert torch.equal(learned(ids), without(ids))


@torch.no_grad()
@pytest.mark.parametrize("case", SOFTMAX_BY_POSITION, ids=str)
def test_unused_projections_are_parameters_and_nothing_else(case: Case) -> None:
    plain = build_net(case)
    padded = same_parameters(build_net(case, unused_qk_projections=True), plain)
    extra = {name for name in names(padded) - names(plain) if "unused" in name}
    assert len(extra) == 2 * 2 * 2 and names(plain) == names(padded) - extra
    assert sum(padded.state_dict()[name].numel() for name in extra) == 2 * 2 * (8 * 8 + 8)
    ids = sequences()
    assert torch.equal(padded(ids), plain(ids))


@torch.no_grad()
@pytest.mark.parametrize("case", CASES, ids=str)
def test_remasking_has_no_parameters_and_matters_to_padded_rows_only(case: Case) -> None:
    leaky = build_net(case, style=BlockStyle(remask_padding=False))
    masked = same_parameters(build_net(case), leaky)
    assert names(leaky) == names(masked)
    ids = sequences()
    difference = (leaky(ids) - masked(ids)).abs().amax(-1)
    assert difference[0].max() < 1e-6  # the row without padding
    assert difference[1:][ids[1:] != 0].min() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize(("scale", "factor"), [(True, 3.0), (False, 1.0)])
def test_items_are_scaled_by_the_root_of_their_size(scale: bool, factor: float) -> None:
    embedding = SequenceEmbedding(ItemEncoder(30, 9), LENGTH, False, scale, dropout=0.0)
    embedding.initialize(0.3)
    ids = sequences()
    torch.testing.assert_close(embedding(ids, ids != 0), embedding.items(ids) * factor)
