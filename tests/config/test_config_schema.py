"""The table of keys covers RecBole's and says in words what it checks."""

from pathlib import Path
from typing import Any

import pytest

from recbole_ext import paths, registry, stock
from recbole_ext.config.builtin import builtin_keys
from recbole_ext.config.keys import ANY_MODEL, ARCHITECTURE, METRICS, TABLE
from recbole_ext.config.known import known_keys
from recbole_ext.config.schema import Key
from recbole_ext.config.sources import read_yaml


def defaults(*parts: str) -> dict[str, Any]:
    file = stock.recbole_dir().joinpath("properties", *parts)
    return read_yaml(file, file.name)


def test_all_of_recboles_keys_are_known() -> None:
    from recbole.utils import argument_list

    listed = {
        *argument_list.general_arguments,
        *argument_list.training_arguments,
        *argument_list.evaluation_arguments,
        *argument_list.dataset_arguments,
    }
    shipped = {**defaults("overall.yaml"), **defaults("dataset", "sample.yaml")}
    assert (listed | set(shipped)) - set(ANY_MODEL) == {"config_file"}


@pytest.mark.parametrize("parts", [("overall.yaml",), ("dataset", "sample.yaml")])
def test_recboles_own_defaults_pass(parts: tuple[str, ...]) -> None:
    wrong = {k: v for k, v in defaults(*parts).items() if not ANY_MODEL[k].accepts(v)}
    assert wrong == {}


def test_defaults_of_all_of_recboles_models_pass() -> None:
    for model in stock.recbole_models():
        file = stock.model_yaml(model)
        keys = {**ANY_MODEL, **builtin_keys(model)}
        for key, value in (read_yaml(file, model) if file.is_file() else {}).items():
            assert value == "None" or keys[key].accepts(value), (model, key, value)


def test_the_composable_recommender_has_every_architecture_key() -> None:
    file = paths.properties_dir() / "model" / "ComposableRecommender.yaml"
    assert set(ARCHITECTURE) <= set(read_yaml(file, "it"))
    assert set(known_keys(registry.lineage("FPARec"))) == set(TABLE)


def test_architecture_defaults() -> None:
    file = paths.properties_dir() / "model" / "ComposableRecommender.yaml"
    values = read_yaml(file, "it")
    assert {key: values[key] for key in ARCHITECTURE} == {
        "direction": "ar",
        "mask_ratio": 0.5,
        "mask_last_prob": 0.1,
        "loss_type": "CE",
        "n_negatives": 256,
        "negative_sampling": "uniform",
        "negatives_shared": "auto",
        "popularity_exponent": 1.0,
        "in_batch_share": 0.5,
        "gbce_t": 0.75,
        "logq_correction": True,
        "exclude_history": False,
        "ips_exponent": 0.0,
        "ips_clip": 10.0,
        "attention": "dot_product",
        "attention_shares": None,
        "attention_sum": "outputs",
        "filter_direction": "past",
        "filter_frequencies": 3,
        "position_bias": "none",
        "factor_rank": 40,
        "attention_pattern": "average",
        "n_local_heads": 0,
        "local_attention": "window",
        "local_window": 2,
        "n_layers": 2,
        "n_heads": 1,
        "hidden_size": 50,
        "inner_size": 50,
        "hidden_act": "relu",
        "hidden_dropout_prob": 0.2,
        "attn_dropout_prob": 0.2,
        "mixer_dropout_prob": 0.0,
        "layer_norm_eps": 1e-8,
        "initializer_range": 0.02,
        "norm_position": "pre",
        "position_embedding": "none",
        "scale_embedding": True,
        "attn_output_projection": False,
        "mask_after_softmax": False,
        "value_input": "normed",
        "value_bias": True,
        "ffn_placement": "per_block",
        "residual_from": "input",
        "unused_qk_projections": False,
        "remask_padding": True,
        "padding_as_class": False,
        "mask_padding": True,
        "padding_row": "zero",
        "position_at_padding": False,
        "score": "dot",
        "score_temperature": 0.05,
        "user_embedding": "none",
        "sse_item_prob": 0.0,
        "sse_user_prob": 0.0,
        "sse_target_prob": 0.0,
        "item_features": None,
        "pretrained_items": None,
        "pretrained_frozen": True,
        "pretrained_unknown": "error",
        "feature_combination": "sum",
        "item_id_embedding": True,
        "score_with_features": True,
    }


def test_a_new_mixer_needs_no_line_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from recbole_ext.nn import attention

    assert ARCHITECTURE["attention"].options == tuple(attention.MIXERS)
    assert not ARCHITECTURE["attention"].accepts("brand_new")
    monkeypatch.setitem(attention.MIXERS, "brand_new", attention.Mixer)
    assert ARCHITECTURE["attention"].accepts("brand_new")


def test_metrics_are_recboles() -> None:
    from recbole.evaluator import metric_types

    assert {metric.lower() for metric in METRICS} <= set(metric_types)


def test_smaller_is_better_as_in_recbole() -> None:
    from recbole.evaluator import smaller_metrics

    from recbole_ext.config.evaluation_checks import bigger_is_better

    smaller = {m for m in METRICS if not bigger_is_better(f"{m}@10")}
    assert smaller == {m for m in METRICS if m.lower() in smaller_metrics}
    assert smaller == {"AveragePopularity", "GiniIndex"}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_key_has_a_line_of_help_and_says_what_is_allowed(name: str) -> None:
    key = TABLE[name]
    assert key.help and len(key.help.splitlines()) == 1
    assert key.allowed()


def test_words() -> None:
    assert Key("int", "", "[1, inf)").allowed() == "a whole number >= 1"
    assert Key("float|null", "", "(0, inf)").allowed() == "a number > 0 or null"
    assert Key("float", "", "[0, 1)").allowed() == "a number in [0, 1)"
    assert Key("str|bool", "", choices=("auto", True)).allowed() == "one of auto, true"
    assert Key("str|strs", "").allowed() == "text or a list of names"
    assert Key("str|strs", "", choices=("a", "b")).allowed() == "one of a, b or a list of them"
    assert Key("any", "").allowed() == "any plain value or null"


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        (Key("int", ""), [0, -5, 2**62], [True, 1.0, "1", None, 2**63]),
        (Key("float", ""), [0, 1.5, -2], [True, float("nan"), float("inf"), "1", 10**400]),
        (Key("float", "", "(0, 1]"), [0.1, 1], [0, 0.0, 1.1, -1]),
        (Key("bool", ""), [True, False], [0, 1, "true", None]),
        (Key("ints", "", "[1, inf)"), [[1, 2], []], [[0], [True], [1.5], 1, "1"]),
        (Key("str|bool", "", choices=("auto", True)), ["auto", True], [False, 1, "Auto"]),
        (Key("str", "", choices=("INFO",), fold=True), ["INFO", "info"], ["inf", 1]),
        (
            Key("str|strs", "", choices=("a", "b")),
            ["a", ["b"], ["a", "a"], []],
            ["c", ["a", "c"], [["a"]], [1], 1, None],
        ),
        (Key("dict|null", ""), [{}, {"a": [1]}, None], [[], {"a": [float("nan")]}]),
        (Key("any", ""), [None, 1, "a", [1]], [[float("inf")]]),
    ],
)
def test_accepts(key: Key, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not key.accepts(value)] == []
    assert [value for value in bad if key.accepts(value)] == []


def test_types_of_builtin_keys() -> None:
    assert builtin_keys("GRU4Rec")["num_layers"].kind == "int"
    assert builtin_keys("GRU4Rec")["dropout_prob"].kind == "float"
    assert builtin_keys("GRU4RecCPR")["dropout_prob"].kind == "float"  # its default is a bare 0
    assert builtin_keys("NARM")["dropout_probs"].kind == "list"
    assert builtin_keys("NeuMF")["mf_pretrain_path"].kind == "any"
    assert builtin_keys("RepeatNet")["joint_train"].kind == "bool"
    assert builtin_keys("FEARec")["tau"].kind == "any"  # read by the model, not in its YAML
    assert builtin_keys("SASRec")["n_heads"] is ARCHITECTURE["n_heads"]
    assert "device" not in builtin_keys("NARM")
    assert builtin_keys("Pop") == {}


def test_what_is_read_from_a_file_is_the_readers_own(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: [1]\n")
    read_yaml(file, "a.yaml")["a"].append(2)
    assert read_yaml(file, "a.yaml") == {"a": [1]}
