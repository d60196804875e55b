"""A new model that needs no new code is one YAML alone."""

from pathlib import Path

import pytest
import yaml

from recbole_ext import registry
from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from tests.conftest import ROOT


def preset(properties: Path, name: str, text: str) -> None:
    (properties / "model" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_a_preset_is_a_subclass_with_its_own_name_and_values(properties: Path) -> None:
    preset(properties, "WideRec", "base: FPARec\nhidden_size: 128\n")
    config = ExtConfig("WideRec", "shop")
    base = registry.get_model_class("FPARec")
    assert config.model_class.__name__ == config["model"] == "WideRec"
    assert issubclass(config.model_class, base) and config.model_class is not base
    assert config.model_class.__module__ == base.__module__
    assert config.model_class is registry.get_model_class("WideRec")
    assert (config["hidden_size"], config["attention"]) == (128, "factorized_positional")
    assert config.origin("hidden_size") == "properties/model/WideRec.yaml"
    assert config.origin("attention") == "properties/model/FPARec.yaml"
    assert config.origin("n_layers") == "properties/model/ComposableRecommender.yaml"
    assert "base" not in config


def test_a_preset_of_a_preset(properties: Path) -> None:
    preset(properties, "WideRec", "base: FPARec\nhidden_size: 128\nn_heads: 2\n")
    preset(properties, "WiderRec", "base: WideRec\nhidden_size: 256\n")
    config = ExtConfig("WiderRec", "shop")
    assert (config["hidden_size"], config["n_heads"]) == (256, 2)
    info = {model.name: model for model in registry.list_models()}["WiderRec"]
    assert info == registry.ModelInfo("WiderRec", "recbole_ext", "sequential", "WideRec")


def test_a_preset_of_one_of_recboles_models(properties: Path) -> None:
    preset(properties, "SmallPop", "base: Pop\n")
    preset(properties, "SmallSASRec", "base: SASRec\nhidden_size: 32\n")
    config = ExtConfig("SmallSASRec", "shop")
    assert (config["hidden_size"], config["inner_size"]) == (32, 256)
    assert config.origin("inner_size") == "RecBole's SASRec.yaml"
    assert config.model_class.__bases__[0].__module__.startswith("recbole.")
    kinds = {model.name: (model.source, model.kind) for model in registry.list_models()}
    assert kinds["SmallPop"] == ("recbole_ext", "general")


def test_settings_for_one_of_recboles_models_without_a_preset(properties: Path) -> None:
    preset(properties, "SASRec", "hidden_size: 32\n")
    config = ExtConfig("SASRec", "shop")
    assert (config["hidden_size"], config["n_heads"]) == (32, 2)
    assert config.origin("hidden_size") == "properties/model/SASRec.yaml"
    assert [model.name for model in registry.list_models()].count("SASRec") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hidden_size: 32\n", "properties/model/WideRec.yaml needs a line 'base: <model>'"),
        ("base: FPARc\n", "base: 'FPARc' is no model; did you mean 'FPARec'?"),
        ("base: 3\n", "base: 3 must be the name of a model"),
        ("base: WideRec\n", "'base' goes in a circle: WideRec -> WideRec"),
        ("base: FPARec\nhiden_size: 3\n", "unknown key 'hiden_size' (from properties/model/Wide"),
        ("base: FPARec\nhidden_size: wide\n", "hidden_size: 'wide' (from properties/model/Wide"),
        ("base: FPARec\nn_heads: 7\n", "n_heads: 7 (from properties/model/WideRec.yaml) must"),
        ("base: SASRec\nattention: linear\n", "it is a key of recbole_ext's own models"),
        ("base: [\n", "properties/model/WideRec.yaml:2: "),
    ],
)
def test_mistakes_in_a_preset(text: str, expected: str, properties: Path) -> None:
    preset(properties, "WideRec", text)
    with pytest.raises(ConfigError) as caught:
        ExtConfig("WideRec", "shop")
    assert expected in str(caught.value)


def test_a_circle_of_two(properties: Path) -> None:
    preset(properties, "A", "base: B\n")
    preset(properties, "B", "base: A\n")
    with pytest.raises(ConfigError, match="circle: A -> B -> A"):
        registry.lineage("A")


def test_the_shipped_preset() -> None:
    config = ExtConfig("VanillaAR", "shop")
    assert (config["attention"], config["position_embedding"]) == ("dot_product", "learned")
    assert (config["train_objective"], config["adam_beta2"]) == ("all_positions", 0.98)
    assert config.model_class.__name__ == "VanillaAR"


def test_a_class_handed_over_uses_the_settings_of_its_nearest_named_ancestor() -> None:
    mine = type("Mine", (registry.get_model_class("FPARec"),), {})
    config = ExtConfig(mine, "shop", config_dict={"factor_rank": 8})
    assert (config.model, config.model_class) == ("Mine", mine)
    assert (config["attention"], config["factor_rank"]) == ("factorized_positional", 8)
    theirs = type("Theirs", (registry.get_model_class("SASRec"),), {})
    config = ExtConfig(theirs, "shop")
    assert (config["inner_size"], config["train_objective"]) == (256, "last_position")
    with pytest.raises(ConfigError, match=r"for model Theirs; name its keys .* @register_model\("):
        ExtConfig(theirs, "shop", config_dict={"my_alpha": 0.5})


def test_sasrecplus_is_what_the_best_result_on_ml_1m_was_given() -> None:
    job = ROOT / "results" / "quality" / "ml-1m_RelPARec_128_cosine" / "2024"
    given = yaml.safe_load((job / "experiment.yaml").read_text(encoding="utf-8"))
    shared = {"seed": given["seed"], "dataset": "ml-100k"}
    measured = ExtConfig(given["model"], "ml-100k", config_dict=given | shared)
    preset = ExtConfig("SASRecPlus", "ml-100k", config_dict=shared)
    differing = {key for key, value in measured.final_config_dict.items() if preset[key] != value}
    assert differing <= {"model"}
    assert preset["hidden_size"] == 128
