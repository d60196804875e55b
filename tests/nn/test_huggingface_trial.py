"""Which models of transformers are refused, and why; how sizes get their names."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from backbones import LENGTH, build, tiny
from huggingface_hub import constants
from torch import Tensor, nn
from transformers.utils import logging

from recbole_ext.nn.backbone import (
    BackboneError,
    attributes,
    families,
    has_no_name_for,
    owners,
    tried,
)
from recbole_ext.nn.backbone import trial as trials
from recbole_ext.nn.backbone.families import build_config
from recbole_ext.nn.backbone.quiet import quiet


def refusal(family: str, causal: bool = True, **changes: Any) -> str:
    with pytest.raises(BackboneError) as caught:
        tried(tiny(family, causal, **changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("family", ["mamba", "rwkv", "recurrent_gemma"])
def test_a_recurrent_model_is_ar_only(family: str) -> None:
    assert refusal(family, causal=False) == (
        "sees no later items, so it cannot be 'ae'; 'ar' may suit it"
    )
    assert tried(tiny(family)).sight.__name__ == "by_nature"


def test_a_mixer_without_a_mask_is_neither() -> None:
    assert "cannot be 'ar'" in refusal("fnet")
    assert refusal("fnet", causal=False) == "lets padding change the states of items"


def test_deberta_is_ae_only() -> None:
    """Its mask is two-sided by construction."""
    assert "sees later items even under a causal mask" in refusal("deberta")
    assert tried(tiny("deberta", causal=False)).sight.__name__ == "by_nature"


@pytest.mark.parametrize("family", ["t5", "bart", "whisper"])
def test_sequence_to_sequence_models(family: str) -> None:
    assert refusal(family).startswith("is a sequence-to-sequence model")


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("vit", "takes no inputs_embeds: item embeddings cannot be its input"),
        ("llava", "has no hidden_size of its own; it is no plain sequence model"),
        ("funnel", "has no n_layers of its own; it is no plain sequence model"),
        ("canine", "has no word embedding that item embeddings could replace"),
    ],
)
def test_models_of_something_else(family: str, reason: str) -> None:
    assert refusal(family).startswith(reason)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"hidden_act": "no_such"}, "cannot be built: KeyError: "),
        ({"num_key_value_heads": 0}, "cannot be built: ZeroDivisionError: "),
        ({"rms_norm_eps": "small"}, "refuses its configuration: "),
    ],
)
def test_values_that_a_family_refuses(options: dict[str, Any], reason: str) -> None:
    assert refusal("llama", options=options).startswith(reason)


class Crooked(nn.Module):
    """Stands for a model: runs sums over what it may see, and one thing it may not."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.weight = nn.Parameter(torch.ones(()))

    def states(self, x: Tensor, keep: Tensor, causal: bool) -> Tensor:
        seen = keep.unsqueeze(-1) * x
        states = seen.cumsum(1) if causal else x + seen.sum(1, keepdim=True)
        if self.fault == "far":  # the newest item reaches the oldest state, and no other
            states = torch.cat([states[:, :1] + seen[:, -1:], states[:, 1:]], 1)
        if self.fault == "deaf":
            states = x
        if self.fault == "padding":
            states = states + (1.0 - keep.float().mean(1))[:, None, None]
        if self.fault == "nan":
            states = states / keep.unsqueeze(-1)
        return states * self.weight


@pytest.mark.parametrize(
    ("fault", "causal", "reason"),
    [
        ("none", True, ""),
        ("none", False, ""),
        ("far", True, "sees later items even under a causal mask"),
        ("deaf", True, "sees no earlier items"),
        ("deaf", False, "sees no later items"),
        ("padding", True, "lets padding change the states of items"),
        ("padding", False, "lets padding change the states of items"),
        ("nan", True, "gives states that are not finite"),
    ],
)
@pytest.mark.parametrize("length", [LENGTH, 50])
def test_the_trial_finds(
    fault: str, causal: bool, reason: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "_TRIED", {})
    monkeypatch.setattr(trials, "build_model", lambda spec: Crooked(fault))
    monkeypatch.setattr(trials, "WAYS", (lambda model, *args: model.states(*args),))
    spec = tiny("llama", causal, max_length=length)
    if reason:
        with pytest.raises(BackboneError, match=reason):
            tried(spec)
    else:
        assert tried(spec).idle == frozenset()


@pytest.mark.parametrize("length", [1, 2, 3, 60])
@pytest.mark.parametrize("causal", [True, False])
def test_any_length_can_be_tried(length: int, causal: bool) -> None:
    for family in ("llama", "albert", "xlnet", "roberta"):
        assert tried(tiny(family, causal, max_length=length)).sight in trials.WAYS


def test_the_trial_draws_no_number_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def seeded(seed: int) -> None:
        raise AssertionError("the GPUs' generators are the caller's too")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded)
    trials._TRIED.clear()
    torch.default_generator.manual_seed(5)
    before = torch.get_rng_state()
    tried(tiny("gpt2"))
    assert torch.equal(torch.get_rng_state(), before)


def test_one_trial_a_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    first = tried(tiny("gpt2"))
    monkeypatch.setattr(trials, "build_model", None)
    assert tried(tiny("gpt2")) is first


def test_quiet_puts_back_what_it_found() -> None:
    found = constants.HF_HUB_OFFLINE, logging.get_verbosity()
    with pytest.raises(KeyError), quiet():
        assert (constants.HF_HUB_OFFLINE, logging.get_verbosity()) == (True, logging.ERROR)
        raise KeyError
    assert (constants.HF_HUB_OFFLINE, logging.get_verbosity()) == found


NAMES: list[tuple[str, dict[str, Any]]] = [
    ("llama", {"num_hidden_layers": 2, "intermediate_size": 24, "attention_dropout": 0.2}),
    ("llama", {"num_key_value_heads": 4, "head_dim": 4, "max_position_embeddings": LENGTH}),
    ("qwen3", {"num_key_value_heads": 4, "head_dim": 4, "attention_dropout": 0.2}),
    ("gpt2", {"n_embd": 16, "n_layer": 2, "n_head": 4, "n_inner": 24, "n_positions": LENGTH}),
    ("gpt2", {"resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.2}),
    ("albert", {"embedding_size": 16, "hidden_size": 16, "intermediate_size": 24}),
    ("albert", {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.2}),
    ("xlnet", {"d_model": 16, "n_layer": 2, "n_head": 4, "d_inner": 24, "d_head": 4}),
    ("xlnet", {"dropout": 0.1, "attn_type": "uni", "mem_len": None}),
    ("modernbert", {"embedding_dropout": 0.1, "mlp_dropout": 0.1, "attention_dropout": 0.2}),
    ("distilbert", {"dim": 16, "hidden_dim": 24, "n_layers": 2, "n_heads": 4, "dropout": 0.1}),
    ("opt", {"word_embed_proj_dim": 16, "ffn_dim": 24, "dropout": 0.1}),
]


@pytest.mark.parametrize(("family", "expected"), NAMES)
def test_sizes_go_by_the_familys_names(family: str, expected: dict[str, Any]) -> None:
    spec = tiny(family, n_heads=4, hidden_dropout=0.1, attention_dropout=0.2, initializer_range=0.5)
    config = build_config(spec)
    assert {name: getattr(config, name) for name in expected} == expected
    assert getattr(config, "initializer_range", 0.5) == 0.5


def test_options_win_and_keep_their_names() -> None:
    options = {"num_key_value_heads": 1, "hidden_act": "relu", "rope_parameters": {
        "rope_type": "default", "rope_theta": 100.0
    }}  # fmt: skip
    config = build_config(tiny("llama", options=options))
    assert (config.num_key_value_heads, config.hidden_act) == (1, "relu")
    assert config.rope_parameters["rope_theta"] == 100.0
    assert build("llama", options=options).model.layers[0].self_attn.k_proj.out_features == 8


def test_weights_start_at_the_given_deviation() -> None:
    for deviation in (0.02, 0.3):
        model = build("llama", random=False, initializer_range=deviation, inner_size=400).model
        assert model.layers[0].mlp.up_proj.weight.std().item() == pytest.approx(deviation, rel=0.05)


def test_positions_that_roberta_reserves_are_added() -> None:
    table = build("roberta").model.embeddings.position_embeddings
    assert (table.num_embeddings, table.padding_idx) == (LENGTH + 1, 0)


def test_names_of_families_and_attributes() -> None:
    assert {"llama", "albert", "xlnet", "gpt2", "qwen3", "modernbert", "bert"} <= {*families()}
    assert {"hidden_act", "rms_norm_eps", "rope_parameters"} <= {*attributes("llama")}
    assert "id2label" not in attributes("llama")
    owned = owners("gpt2")
    assert [owned[name] for name in ("n_inner", "n_embd", "hidden_size", "n_positions")] == [
        "inner_size", "hidden_size", "hidden_size", "max_length"
    ]  # fmt: skip
    assert owned["vocab_size"] == "" and owned["is_decoder"] == "direction"
    assert has_no_name_for("mamba") == [
        "n_heads", "inner_size", "max_length", "hidden_dropout", "attention_dropout"
    ]  # fmt: skip
