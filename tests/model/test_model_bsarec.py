"""BSARec as its released code computes it, against torch's FFT; its causal form; refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_model import LENGTH, N_ITEMS, build
from torch import Tensor

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.model.composable import ComposableRecommender

FULL = torch.tensor([[3, 5, 7, 2, 9, 4], [8, 8, 1, 6, 2, 19]])  # windows without padding
ALPHA, KEPT = 0.7, 3


def bsarec(**changes: Any) -> ComposableRecommender:
    model = build("BSARec", **changes)
    with torch.no_grad():  # tiny_model shakes the encoder alone
        for parameter in model.embedding.norm.parameters():  # type: ignore[union-attr]
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def filtered(x: Tensor, high: Tensor) -> Tensor:
    """The low frequencies of whole rows, and β² of the others."""
    spectrum = torch.fft.rfft(x, dim=1, norm="ortho")
    spectrum[:, KEPT:] = 0
    low = torch.fft.irfft(spectrum, n=x.shape[1], dim=1, norm="ortho")
    return low + high**2 * (x - low)


def attended(x: Tensor, part: Any) -> Tensor:
    """One head, causal."""
    scores = part.query(x) @ part.key(x).transpose(1, 2) / x.shape[2] ** 0.5
    future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    return part.output(scores.masked_fill(future, -torch.inf).softmax(-1) @ part.value(x))


@torch.no_grad()
def test_the_states_of_the_released_code() -> None:
    model = bsarec()
    x = model.embedding.items.weight[FULL] + model.embedding.positions.weight  # type: ignore
    x = model.embedding.norm(x)  # type: ignore[misc]
    for block in model.encoder.blocks:
        low, attention = block.mixer.parts  # type: ignore[union-attr]
        norms = block.mixer.norms  # type: ignore[union-attr]
        slow, items = norms[0](x + filtered(x, low.high)), norms[1](x + attended(x, attention))
        h = ALPHA * slow + (1 - ALPHA) * items
        network = block.feed_forward
        inner = network.contract(F.gelu(network.expand(h)))  # type: ignore[union-attr]
        x = block.feed_forward_norm(h + inner)  # type: ignore[operator]
    torch.testing.assert_close(model.encode(FULL), x, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.encode(FULL, last_only=True), x[:, -1:], rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("direction", "changed"), [("both", True), ("past", False)])
def test_whether_older_slots_see_newer_ones(direction: str, changed: bool) -> None:
    model = bsarec(filter_direction=direction)
    other = FULL.clone()
    other[:, -1] = other[:, -1] % (N_ITEMS - 1) + 1
    before, after = model.encode(FULL)[:, :-1], model.encode(other)[:, :-1]
    assert torch.allclose(before, after, atol=1e-6) != changed


@torch.no_grad()
def test_padding_is_nothing() -> None:
    model = bsarec()
    padded = F.pad(FULL[:, 2:], (2, 0))
    torch.testing.assert_close(
        model.encode(FULL[:, 2:])[:, -1], model.encode(padded)[:, -1], rtol=1e-4, atol=1e-5
    )


def test_parameters_of_the_released_code() -> None:
    """V d + n d + 2 d, and in each of 2 blocks β, four maps d x d, three LayerNorms, d x 4d."""
    d, inner = 64, 256
    model = build("BSARec", hidden_size=d, inner_size=inner)
    block = d + 4 * (d * d + d) + 3 * 2 * d + d * inner + inner + inner * d + d
    assert sum(p.numel() for p in model.parameters()) == (N_ITEMS + LENGTH + 2) * d + 2 * block


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"train_objective": "all_positions"}, r"filter_direction: 'both' .*needs train_objective"),
        ({"norm_position": "pre"}, r"attention_sum: 'sublayers' .*needs norm_position: post"),
        (
            {"attention": "dot_product", "attention_shares": None},
            r"attention_sum: 'sublayers' .*needs several mixers, not attention: 'dot_product'",
        ),
        ({"attention_sum": "norms"}, "must be one of outputs, sublayers"),
    ],
    ids=str,
)
def test_refused(keys: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        ExtConfig("BSARec", "shop", config_dict=keys)


def test_all_positions_with_the_causal_form() -> None:
    keys = {"train_objective": "all_positions", "filter_direction": "past"}
    assert ExtConfig("BSARec", "shop", config_dict=keys)["filter_direction"] == "past"
