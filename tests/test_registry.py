"""Every model by name, found without importing torch or RecBole."""

import subprocess
import sys

import pytest

from recbole_ext import registry, stock
from recbole_ext.errors import ConfigError, UserError, nearest, show


def test_models_of_both_sources() -> None:
    models = {model.name: model for model in registry.list_models()}
    assert models["FPARec"] == registry.ModelInfo(
        "FPARec", "recbole_ext", "sequential", "ComposableRecommender"
    )
    assert models["SASRec"] == registry.ModelInfo("SASRec", "RecBole", "sequential")
    assert models["Pop"].kind == "general"
    assert models["CKE"].kind == "knowledge_aware"
    assert models["FM"].kind == "context_aware"
    assert "LightGBM" not in models  # it cannot rank
    assert len(models) == len(registry.list_models())


def test_recboles_models() -> None:
    found = stock.recbole_models()
    assert len(found) == 94
    assert found["BERT4Rec"] == ("sequential", "recbole.model.sequential_recommender.bert4rec")
    assert found["Random"] == ("general", "recbole.model.general_recommender.random")


def test_listing_needs_neither_torch_nor_recbole() -> None:
    program = (
        "import sys; from recbole_ext.registry import list_models; list_models();"
        "print([name for name in ('torch', 'recbole', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [*registry.MODELS, "VanillaAR", "SASRec", "ItemKNN", "GRU4Rec"])
def test_a_class_bears_the_name_it_was_asked_by(name: str) -> None:
    assert registry.get_model_class(name).__name__ == name
    assert registry.get_model_class(name) is registry.get_model_class(name)


def test_unknown_names() -> None:
    with pytest.raises(ConfigError, match=r"unknown model 'Sasrek'; did you mean 'SASRec'\?"):
        registry.get_model_class("Sasrek")
    with pytest.raises(ConfigError, match="cannot rank all items"):
        registry.get_model_class("XGBoost")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.MODELS, "Ghost", "no_such_package.ghost:Ghost")
    with pytest.raises(ConfigError, match="'Ghost' needs the package 'no_such_package'"):
        registry.get_model_class("Ghost")


def test_nearest() -> None:
    assert nearest("FPAREC", ["PARec", "FPARec"]) == "; did you mean 'FPARec'?"
    assert nearest("xyz", ["PARec"]) == ""


def test_errors_are_one_printable_line() -> None:
    assert str(UserError("a\nb\x1b[0m\ud800")) == "a b\\x1b[0m\\ud800"
    assert issubclass(ConfigError, UserError) and issubclass(UserError, ValueError)


def test_show() -> None:
    assert [show(value) for value in (True, None, "a", 1.5)] == ["true", "null", "'a'", "1.5"]
    assert len(show("x" * 1000)) == 80
    assert show(16**9000) == "a huge int"
    for value in ([], {}, [1], {"a": [1, "b"], 2: {"c": (3,)}}, [[], {}, [None]], (1, 2)):
        assert show(value) == repr(value)
    endless: list[object] = [1]
    endless += [endless, endless]
    assert show(endless) == ("[1, " * 20)[:77] + "..."
