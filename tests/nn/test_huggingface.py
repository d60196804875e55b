"""Backbones out of transformers: what a state sees, padding, weights, seeds."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import torch
from backbones import FAMILIES, HIDDEN, LENGTH, LENGTHS, build, keep_of, padded, tiny, vectors
from torch import Tensor

from recbole_ext.nn.backbone import HuggingFaceEncoder, trial
from recbole_ext.nn.backbone.build import build_model
from recbole_ext.nn.backbone.sight import by_mask, by_nature

DIRECTIONS = pytest.mark.parametrize("causal", [True, False], ids=["ar", "ae"])
ALL = pytest.mark.parametrize("family", FAMILIES)
SHORT = (5, 4, 2, 1)


def with_another_item(x: Tensor, keep: Tensor, slot: int) -> Tensor:
    changed = x.clone()
    changed[keep[:, slot], slot] += 1.0 - 2.0 * torch.arange(HIDDEN).remainder(2)
    return changed


@torch.no_grad()
@ALL
def test_ar_a_later_item_changes_no_earlier_state(family: str) -> None:
    encoder, keep = build(family), keep_of()
    x = padded(vectors(), keep)
    before = encoder(x, keep)
    for slot in range(1, LENGTH):
        after = encoder(with_another_item(x, keep, slot), keep)
        earlier = keep.clone()
        earlier[:, slot:] = False
        torch.testing.assert_close(after[earlier], before[earlier], rtol=0, atol=1e-6)
        from_there_on = keep & keep[:, slot : slot + 1] & ~earlier
        from_there_on[:, :slot] = False
        assert (after - before)[from_there_on].abs().amax(-1).min() > 1e-4


@torch.no_grad()
@ALL
def test_ae_an_item_changes_every_state(family: str) -> None:
    encoder, keep = build(family, causal=False), keep_of()
    x = padded(vectors(), keep)
    before = encoder(x, keep)
    for slot in range(LENGTH):
        after = encoder(with_another_item(x, keep, slot), keep)
        touched = keep & keep[:, slot : slot + 1]
        assert (after - before)[touched].abs().amax(-1).min() > 1e-4
        others = keep & ~keep[:, slot : slot + 1]
        assert torch.equal(after[others], before[others])


@torch.no_grad()
@ALL
def test_ar_a_state_is_that_of_its_prefix_alone(family: str) -> None:
    encoder, (row,) = build(family), vectors((LENGTH,))
    whole = encoder(row[None], torch.ones(1, LENGTH, dtype=torch.bool))
    for end in range(1, LENGTH + 1):
        alone = encoder(row[None, :end], torch.ones(1, end, dtype=torch.bool))
        torch.testing.assert_close(alone[0, -1], whole[0, end - 1], rtol=0, atol=1e-5)


@torch.no_grad()
@DIRECTIONS
@ALL
def test_padding_is_not_there(family: str, causal: bool) -> None:
    """A row alone; padded on the left, on the right, with anything in the padded slots."""
    encoder, rows = build(family, causal), vectors(SHORT)
    alone = [encoder(row[None], torch.ones(1, len(row), dtype=torch.bool))[0] for row in rows]
    for left in (True, False):
        for width in range(max(SHORT), LENGTH + 1):
            keep = keep_of(SHORT, width, left)
            for filling in (0.0, 5.0):
                states = encoder(padded(rows, keep, filling), keep)
                assert states.isfinite().all()
                for real, row, expected in zip(keep, states, alone, strict=True):
                    torch.testing.assert_close(row[real], expected, rtol=0, atol=1e-4)


@DIRECTIONS
@ALL
def test_a_history_of_padding_alone_is_finite(family: str, causal: bool) -> None:
    encoder = build(family, causal).train()
    keep = keep_of((3, 0, 7))
    x = padded(vectors((3, 0, 7)), keep).requires_grad_()
    states = encoder(x, keep)
    assert states.isfinite().all()
    states[keep].sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()
    assert not x.grad[~keep].any()
    gradients = [p.grad for p in encoder.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)


@torch.no_grad()
@DIRECTIONS
@ALL
def test_the_last_slot_alone(family: str, causal: bool) -> None:
    encoder = build(family, causal)
    for left in (True, False):
        keep = keep_of(left=left)
        x = padded(vectors(), keep)
        assert torch.equal(encoder(x, keep, last_only=True), encoder(x, keep)[:, -1:])


@torch.no_grad()
@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen3"])
def test_a_causal_models_own_way_is_that_of_the_mask(family: str) -> None:
    _assert_both_ways_agree(family, causal=True)


@torch.no_grad()
@pytest.mark.parametrize("family", ["albert", "bert", "modernbert"])
def test_a_bidirectional_models_own_way_is_that_of_the_mask(family: str) -> None:
    _assert_both_ways_agree(family, causal=False)


def _assert_both_ways_agree(family: str, causal: bool) -> None:
    model, keep = build(family, causal).model, keep_of(left=False)
    x = padded(vectors(), keep)
    one, other = by_nature(model, x, keep, causal), by_mask(model, x, keep, causal)
    torch.testing.assert_close(one[keep], other[keep], rtol=0, atol=1e-5)


@torch.no_grad()
def test_llama_is_the_one_of_transformers() -> None:
    """Without padding, and without anything of ours in between."""
    torch.manual_seed(3)
    model = build_model(tiny("llama")).eval()
    encoder, (row,) = build("llama", seed=3, random=False), vectors((LENGTH,))
    expected = model(inputs_embeds=row[None]).last_hidden_state
    assert torch.equal(encoder(row[None], torch.ones(1, LENGTH, dtype=torch.bool)), expected)


def reach(encoder: HuggingFaceEncoder) -> list[int]:
    """The slots whose state follows the item in the middle."""
    (row,) = vectors((LENGTH,))
    keep = torch.ones(1, LENGTH, dtype=torch.bool)
    with torch.no_grad():
        before = encoder(row[None], keep)
        after = encoder(with_another_item(row[None], keep, LENGTH // 2), keep)
    return ((after - before).abs().amax(-1) > 1e-6)[0].nonzero()[:, 0].tolist()


@pytest.mark.parametrize(
    ("family", "causal", "options", "expected"),
    [
        ("mistral", True, {"sliding_window": 2}, [3, 4]),
        ("mistral", False, {"sliding_window": 2}, [2, 3, 4]),
        ("modernbert", True, {"local_attention": 4}, [3, 4, 5]),
        ("modernbert", False, {"local_attention": 4}, [1, 2, 3, 4, 5]),
    ],
)
def test_a_window_holds_in_both_directions(
    family: str, causal: bool, options: dict[str, Any], expected: list[int]
) -> None:
    if family == "modernbert":
        options = {**options, "layer_types": ["sliding_attention"]}
    assert reach(build(family, causal, n_layers=1, options=options)) == expected


@ALL
def test_ar_and_ae_have_the_same_weights(family: str) -> None:
    one, other = (build(family, causal, random=False).state_dict() for causal in (True, False))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@ALL
def test_a_seed_gives_the_weights(family: str) -> None:
    trial._TRIED.clear()
    first = build(family, random=False).state_dict()  # after a trial
    again = build(family, random=False).state_dict()  # without one
    third = build(family, random=False, seed=1).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert any(not torch.equal(value, third[name]) for name, value in first.items())


@DIRECTIONS
@ALL
def test_every_parameter_counted_learns(family: str, causal: bool) -> None:
    encoder, keep = build(family, causal), keep_of()
    weights = torch.randn(len(LENGTHS), LENGTH, HIDDEN)
    (encoder(padded(vectors(), keep), keep) * weights)[keep].sum().backward()
    for name, parameter in encoder.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def n_parameters(encoder: HuggingFaceEncoder) -> int:
    return sum(p.numel() for p in encoder.parameters() if p.requires_grad)


def test_the_number_of_parameters() -> None:
    """By hand; no vocabulary, no pooler, no segments among them."""
    d, f = HIDDEN, 24
    assert n_parameters(build("llama")) == 2 * (4 * d * d + 3 * d * f + 2 * d) + d
    biased = 4 * (d * d + d) + d * f + f + f * d + d + 4 * d
    assert n_parameters(build("gpt2")) == 2 * biased + LENGTH * d + 2 * d
    assert n_parameters(build("bert")) == 2 * biased + LENGTH * d + d + 2 * d
    xlnet = 5 * d * d + 2 * d + d * f + f + f * d + d + 4 * d  # q, k, v, o, r; two biases of r
    assert n_parameters(build("xlnet")) == 2 * xlnet


@pytest.mark.parametrize(("family", "shared"), [("albert", True), ("bert", False)])
def test_albert_shares_its_layers(family: str, shared: bool) -> None:
    two, four = (n_parameters(build(family, n_layers=n)) for n in (2, 4))
    assert (two == four) == shared


@pytest.mark.parametrize("family", [*FAMILIES, "roberta", "opt"])
def test_no_dropout_is_left_at_the_familys_own_value(family: str) -> None:
    encoder, keep = build(family), keep_of()
    x = padded(vectors(), keep)
    with torch.no_grad():
        assert torch.equal(encoder.train()(x, keep), encoder.eval()(x, keep))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("which", ["hidden_dropout", "attention_dropout"])
def test_each_dropout_drops(family: str, which: str) -> None:
    if (family, which) == ("xlnet", "attention_dropout"):
        pytest.skip("XLNet has one dropout for both")
    encoder, keep = build(family, **{which: 0.5}).train(), keep_of()
    x = padded(vectors(), keep)
    with torch.no_grad():
        assert (encoder(x, keep) - encoder(x, keep))[keep].abs().max() > 1e-3


def test_nothing_asks_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []  # what a backbone's trial raises is caught

    def refuse(*args: Any, **kwargs: Any) -> None:
        asked.append(args)
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    trial._TRIED.clear()
    for family in (*FAMILIES, "mamba"):
        build(family)
    assert not asked


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    trial._TRIED.clear()
    for family in (*FAMILIES, "mamba"):
        build(family)
    assert capfd.readouterr() == ("", "")
