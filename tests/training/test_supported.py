"""What the trainer is given and does not use is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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


def test_a_model_without_a_choice_of_losses_trains_the_full_one() -> None:
    class Config(dict[str, Any]):
        model_class = FPARec
        lineage = Lineage(root="FPARec", own=True, files=(), class_files=())

    keys = dict.fromkeys(("enable_scaler", "loss_decimal_place", "metric_decimal_place", "worker"))
    given = Config(keys, loss_type=None, loss_precision="float32", loss_chunk_size=64)
    named = " ".join(doubtful_settings(given))  # type: ignore[arg-type]
    assert "worker" in named and "loss_precision" not in named
