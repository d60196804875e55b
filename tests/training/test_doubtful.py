"""What the trainer is given and does not use is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recbole.utils import ModelType

from recbole_ext.config import ExtConfig
from recbole_ext.model.fparec import FPARec
from recbole_ext.registry import Lineage
from recbole_ext.runner import run
from recbole_ext.training.doubtful import doubtful_settings

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def named_as_idle(model: str, settings: dict[str, Any]) -> list[str]:
    log = run(model, "ring", config_dict=settings).run_dir / "log.txt"
    lines = [line for line in log.read_text().splitlines() if "has no effect here" in line]
    return [line.split()[3] for line in lines]


def test_keys_that_change_nothing_are_named(settings: Settings) -> None:
    """RecBole's YAML files have them; whoever sets them must learn that they do nothing here."""
    general = {"worker": 3, "enable_scaler": True, "metric_decimal_place": 6}
    how = {"loss_precision": "float32", "loss_chunk_size": 64}  # of the full cross-entropy
    own = settings(epochs=1, **general, **how)
    assert named_as_idle("FPARec", own) == ["enable_scaler", "metric_decimal_place", "worker"]
    sampled = settings(epochs=1, **how, loss_type="BPR", n_negatives=1)
    assert named_as_idle("VanillaAR", sampled) == [*how, "factor_rank"]
    assert named_as_idle("SASRec", settings(own=False, epochs=1, worker=1, **how)) == [*how]


@pytest.mark.parametrize(
    ("model", "idle", "with_it"),
    [
        ("VanillaAR", {"factor_rank": 2}, {"attention": ["factorized_positional", "dot_product"]}),
        ("FPARec", {"attention_pattern": "linear_annealing"}, {"attention": "fixed_pattern"}),
        ("VanillaAR", {"filter_frequencies": 2}, {"attention": "frequency_filter"}),
        ("VanillaAR", {"local_window": 3}, {"n_local_heads": 1}),
        ("VanillaAR", {"score_temperature": 0.1}, {"score": "cosine"}),
        ("FPARec", {"ips_clip": 2.0}, {"ips_exponent": 0.5}),
        ("DualSASRec", {"dual_weight": 0, "dual_items": 64}, {"dual_weight": 0.1}),
    ],
)
def test_keys_that_mean_nothing_beside_another_are_named(
    model: str, idle: dict[str, Any], with_it: dict[str, Any], settings: Settings
) -> None:
    plain = {key: value for key, value in settings().items() if key != "factor_rank"}
    given = {**plain, **idle}
    (line,) = doubtful_settings(ExtConfig(model, "ring", None, given))
    assert line.startswith(f"{list(idle)[-1]} = ")
    assert not [*doubtful_settings(ExtConfig(model, "ring", None, {**given, **with_it}))]
    again = ExtConfig(config_dict=ExtConfig(model, "ring", None, plain).resolved())
    assert not [*doubtful_settings(again)], "a run's config.yaml names all keys"


@pytest.mark.parametrize("model", ["FPARec", "SASRec"])
def test_adams_keys_beside_another_optimiser_are_named(model: str, settings: Settings) -> None:
    """A model's own beta2 is nobody's wish."""
    keys = {"adam_beta1": 0.8, "adam_beta2": 0.9, "adam_eps": 1e-6, "fused_optimizer": False}
    plain = settings(own=model == "FPARec", learner="SGD")

    def told(**more: Any) -> list[str]:
        return [*doubtful_settings(ExtConfig(model, "ring", None, {**plain, **more}))]

    assert [line.split()[0] for line in told(**keys)] == [*keys]
    assert told(adam_beta1=0.8) == ["adam_beta1 = 0.8 has no effect here: learner is SGD"]
    assert not told() and not told(**keys, learner="adamw")


def test_the_protocol_of_general_models_is_told(settings: Settings) -> None:
    def told(model: str, **keys: Any) -> bool:
        log = run(model, "ring", config_dict=settings(own=False, epochs=1, **keys)).run_dir
        return "RecBole masks seen items for" in (log / "log.txt").read_text()

    assert told("BPR")
    assert not told("BPR", valid_metric="NDCG@10_seen_masked")
    assert not told("SASRec")


def test_a_model_without_a_choice_of_losses_trains_the_full_one() -> None:
    class Config(dict[str, Any]):
        model_class = FPARec
        lineage = Lineage(root="FPARec", own=True, files=(), class_files=())

    keys = dict.fromkeys(("enable_scaler", "loss_decimal_place", "metric_decimal_place", "worker"))
    keys["learner"] = "adam"
    keys["MODEL_TYPE"] = ModelType.SEQUENTIAL
    given = Config(keys, loss_type=None, loss_precision="float32", loss_chunk_size=64)
    named = " ".join(doubtful_settings(given))  # type: ignore[arg-type]
    assert "worker" in named and "loss_precision" not in named
