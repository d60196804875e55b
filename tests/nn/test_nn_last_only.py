"""Computing the newest position alone gives the last row."""

from __future__ import annotations

import pytest
import torch
from nn_cases import ALL_CASES, LENGTH, SHAPES, Case, build_net, sequences, vectors

from recbole_ext.nn.attention import linear
from recbole_ext.nn.block import BlockStyle


@torch.no_grad()
@pytest.mark.parametrize("width", [LENGTH, 4, 1])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_last_row_of_a_mixer(case: Case, causal: bool, width: int) -> None:
    keep = sequences()[:, -width:] != 0
    x, values = vectors(keep), vectors(keep, seed=3)
    mixer = case.build(causal=causal, output_projection=True).double()
    last = mixer(x, values, keep, last_only=True)
    assert last.shape == (5, 1, 8)
    torch.testing.assert_close(last, mixer(x, values, keep)[:, -1:], rtol=0, atol=1e-9)


@torch.no_grad()
def test_last_row_of_linear_attention_by_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "QUADRATIC_UP_TO", 0)
    monkeypatch.setattr(linear, "CHUNK", 3)
    keep = sequences() != 0
    x = vectors(keep)
    mixer = Case("linear").build().double()
    last = mixer(x, x, keep, last_only=True)
    torch.testing.assert_close(last, mixer(x, x, keep)[:, -1:], rtol=0, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize(("heads", "projection", "norm"), SHAPES)
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_last_row_of_the_encoder(case: Case, heads: int, projection: bool, norm: str) -> None:
    style = BlockStyle(norm_position=norm)
    net = build_net(case, style=style, n_heads=heads, output_projection=projection).double()
    ids = sequences()
    torch.testing.assert_close(net(ids, last_only=True), net(ids)[:, -1:], rtol=0, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize("ffn_per_block", [True, False])
@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize(
    "style",
    [
        BlockStyle(residual_from="normed"),
        BlockStyle(value_input="raw"),
        BlockStyle(remask_padding=False),
    ],
    ids=["residual_from", "value_input", "remask_padding"],
)
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_last_row_under_every_wiring(
    case: Case, style: BlockStyle, n_layers: int, ffn_per_block: bool
) -> None:
    net = build_net(case, n_layers, style=style, ffn_per_block=ffn_per_block).double()
    ids = sequences()
    torch.testing.assert_close(net(ids, last_only=True), net(ids)[:, -1:], rtol=0, atol=1e-9)
