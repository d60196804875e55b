"""What the trainer is given and does not use is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recbole.utils import ModelType

from recbole_ext.errors import ConfigError
from recbole_ext.model.fparec import FPARec
from recbole_ext.registry import Lineage
from recbole_ext.runner import run
from recbole_ext.training.supported import doubtful_settings

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
    assert named_as_idle("VanillaAR", sampled) == [*how]
    assert named_as_idle("SASRec", settings(own=False, epochs=1, worker=1, **how)) == [*how]


def test_pointwise_models_need_labels(settings: Settings) -> None:
    """RecBole would end in a KeyError, after the run folder has been made."""
    keys = settings(own=False, epochs=1, train_neg_sample_args=None)
    for model in ("DIN", "NeuMF", "FM"):
        with pytest.raises(
            ConfigError, match=f"{model} learns from labels: of negatives, of thres"
        ):
            run(model, "ring", config_dict=keys)
    assert not Path(keys["checkpoint_dir"]).exists()
    run("SASRec", "ring", config_dict=keys)


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
    keys["MODEL_TYPE"] = ModelType.SEQUENTIAL
    given = Config(keys, loss_type=None, loss_precision="float32", loss_chunk_size=64)
    named = " ".join(doubtful_settings(given))  # type: ignore[arg-type]
    assert "worker" in named and "loss_precision" not in named
