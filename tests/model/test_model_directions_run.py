"""Whole runs: every loss and both directions learn on ml-100k."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from recbole_ext.runner import load, run
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
RUNS: dict[str, dict[str, Any]] = {
    "AE": {"direction": "ae"},
    "AE gBCE": {"direction": "ae", "loss_type": "gBCE", "n_negatives": 4},
    "BCE": {"loss_type": "BCE", "n_negatives": 4},
    "BPR": {"loss_type": "BPR", "negatives_shared": "position", "n_negatives": 8},
    "gBCE": {"loss_type": "gBCE", "n_negatives": 16},
    "popularity": {
        "loss_type": "sampled_softmax",
        "negative_sampling": "popularity",
        "popularity_exponent": 0.5,
    },
    "mixed": {"loss_type": "sampled_softmax", "negative_sampling": "mixed"},
}


@pytest.mark.parametrize("name", RUNS)
def test_the_loss_falls(name: str, ml_100k: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    losses, train = [], SequenceTrainer._train_epoch

    def watched(*args: Any, **more: Any) -> tuple[list[float], int]:
        losses.append(train(*args, **more))
        return losses[-1]

    monkeypatch.setattr(SequenceTrainer, "_train_epoch", watched)
    chosen = ml_100k(MAX_ITEM_LIST_LENGTH=10, epochs=3, eval_step=3, **RUNS[name])
    finished = run("VanillaAR", "ml-100k", config_dict=chosen)
    values = [loss for (loss,), _ in losses]
    assert len(values) == 3 and all(math.isfinite(value) for value in values)
    assert values[0] > values[2]
    # 10 of 1,682 items at random hit 0.6 %
    assert finished.metrics["test"]["Hit@10"] > 0.015
    again = load(finished.run_dir)
    assert again.evaluate("test").flat() == finished.evaluate("test").flat()
