"""Every architecture key of the YAML reaches the network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_model import LENGTH, batch, build

from recbole_ext.model.composable import ComposableRecommender
from recbole_ext.nn.attention import MIXERS
from recbole_ext.nn.attention.local import LOCAL_HEADS

# The released code beside the paper, then the other axes; the base is FPARec as it ships.
CHANGING_SCORES: list[dict[str, Any]] = [
    {"mask_after_softmax": True},
    {"value_input": "raw"},
    {"value_bias": False},
    {"ffn_placement": "final"},
    {"residual_from": "normed"},
    {"position_embedding": "learned"},
    {"remask_padding": False},
    {"norm_position": "post"},
    {"scale_embedding": False},
    {"attn_output_projection": True},
    {"n_heads": 2},
    {"n_layers": 3},
    {"hidden_act": "gelu"},
    {"layer_norm_eps": 0.1},
]


def with_weights_of(model: ComposableRecommender, other: ComposableRecommender) -> None:
    """Copy all parameters that both have in one shape."""
    state = model.state_dict()
    shared = {
        name: value
        for name, value in other.state_dict().items()
        if name in state and state[name].shape == value.shape
    }
    model.load_state_dict(shared, strict=False)


@torch.no_grad()
@pytest.mark.parametrize("changes", CHANGING_SCORES, ids=str)
def test_a_key_changes_the_scores(changes: dict[str, Any]) -> None:
    plain, changed = build(), build(**changes)
    with_weights_of(changed, plain)
    difference = changed.full_sort_predict(batch()) - plain.full_sort_predict(batch())
    assert difference.abs().amax(-1).max() > 1e-3


def count(model: ComposableRecommender) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"mask_after_softmax": True}, 0),
        ({"value_input": "raw"}, 0),
        ({"residual_from": "normed"}, 0),
        ({"remask_padding": False}, 0),
        ({"padding_as_class": True}, 0),
        ({"scale_embedding": False}, 0),
        ({"value_bias": False}, -2 * 8),
        ({"ffn_placement": "final"}, -(2 * (8 * 8 + 8) + 2 * 8)),
        ({"position_embedding": "learned"}, LENGTH * 8),
        ({"unused_qk_projections": True}, 2 * 2 * (8 * 8 + 8)),
        ({"attn_output_projection": True}, 2 * (8 * 8 + 8)),
        ({"inner_size": 16}, 2 * (2 * 8 * 8 + 8)),
        ({"factor_rank": 5}, 2 * 2 * LENGTH * 2),
        ({"n_heads": 2}, 2 * 2 * LENGTH * 3),
    ],
    ids=str,
)
def test_a_key_changes_the_number_of_parameters_by(
    changes: dict[str, Any], difference: int
) -> None:
    assert count(build(**changes)) - count(build()) == difference


@torch.no_grad()
@pytest.mark.parametrize(("remask", "leaks"), [(True, False), (False, True)])
def test_remask_padding_decides_whether_later_items_leak(remask: bool, leaks: bool) -> None:
    model = build(remask_padding=remask)
    before = model.encode(torch.tensor([[0, 0, 3, 5, 7]]))
    after = model.encode(torch.tensor([[0, 0, 3, 5, 9]]))
    assert bool((before[:, 2:4] != after[:, 2:4]).any()) == leaks


@torch.no_grad()
def test_unused_projections_change_no_score() -> None:
    plain, changed = build(), build(unused_qk_projections=True)
    with_weights_of(changed, plain)
    assert torch.equal(changed.full_sort_predict(batch()), plain.full_sort_predict(batch()))


@pytest.mark.parametrize("mixer", MIXERS)
def test_attention_names_the_mixer(mixer: str) -> None:
    model = build(attention=mixer)
    assert [type(block.mixer) for block in model.encoder.blocks] == [MIXERS[mixer]] * 2


@pytest.mark.parametrize("given", [["dot_product", "positional"], "[dot_product, positional]"])
def test_a_list_of_attentions_is_their_sum(given: list[str] | str) -> None:
    model = build(attention=given)
    for block in model.encoder.blocks:
        kinds = [type(part) for part in block.mixer.parts]
        assert kinds == [MIXERS["dot_product"], MIXERS["positional"]]


@torch.no_grad()
@pytest.mark.parametrize("attention", ["dot_product", ["positional", "dot_product"]], ids=str)
@pytest.mark.parametrize(
    "changes",
    [
        {"position_bias": "rotary"},
        {"position_bias": "relative"},
        *({"n_local_heads": 1, "local_attention": kind} for kind in LOCAL_HEADS),
        {"n_local_heads": 1, "local_window": 1},
    ],
    ids=str,
)
def test_a_key_of_dot_product_changes_the_scores(
    changes: dict[str, Any], attention: str | list[str]
) -> None:
    plain = build(attention=attention, n_heads=2, n_local_heads=int("local_window" in changes))
    changed = build(**{"attention": attention, "n_heads": 2, **changes})
    with_weights_of(changed, plain)
    difference = changed.full_sort_predict(batch()) - plain.full_sort_predict(batch())
    assert difference.abs().max() > 1e-3


@torch.no_grad()
def test_attention_pattern_names_the_pattern() -> None:
    patterns = ("average", "linear_annealing", "exponential_annealing")
    models = [build(attention="fixed_pattern", attention_pattern=pattern) for pattern in patterns]
    first, second, third = (model.full_sort_predict(batch()) for model in models)
    assert (first - second).abs().max() > 1e-3
    assert (second - third).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("name", "mixer", "positions"),
    [
        ("FPARec", "FactorizedPositionalAttention", False),
        ("PARec", "PositionalAttention", False),
        ("VanillaAR", "DotProductAttention", True),
        ("LocalAR", "DotProductAttention", True),
        ("LinearAttentionRec", "LinearAttention", True),
        ("TokenMixingRec", "TokenMixing", False),
        ("FixedPatternRec", "FixedPattern", False),
        ("ComposableRecommender", "DotProductAttention", False),
    ],
)
def test_the_named_models(name: str, mixer: str, positions: bool) -> None:
    model = build(name)
    assert type(model).__name__ == name
    assert type(model.encoder.blocks[0].mixer).__name__ == mixer
    assert (model.embedding.positions is not None) == positions
    assert model.encoder.blocks[0].style.norm_position == "pre"
    assert model.encoder.blocks[0].style.remask_padding


def test_local_ar_has_one_local_head_of_two() -> None:
    spec = build("LocalAR").encoder.blocks[0].mixer.spec
    assert (spec.n_heads, spec.n_local_heads, spec.local_window) == (2, 1, 2)
    assert (spec.local_attention, spec.causal) == ("window", True)


def test_rel_pa_rec_is_the_measured_recipe() -> None:
    model = build("RelPARec")
    block = model.encoder.blocks[0]
    assert type(model).__name__ == "RelPARec"
    assert type(block.mixer) is MIXERS["relative_positional"]
    assert block.mixer.spec.n_heads == 4 and block.mixer.spec.output_projection
    assert block.style.norm_position == "post" and model.embedding.positions is None
