"""Every named model learns: after some epochs on ml-100k it ranks far better than popularity."""

from __future__ import annotations

from typing import Any

import pytest

from recbole_ext import registry
from recbole_ext.runner import run

pytestmark = [pytest.mark.usefixtures("quiet_place"), pytest.mark.slow]

OWN = [model.name for model in registry.list_models() if model.source == "recbole_ext"]
PARTS = ("test", "test_seen_masked")
BY_NAME: dict[
    str, dict[str, Any]
] = {  # what a preset leaves to its user, or learns too slowly with
    "BSARec": {"epochs": 10},  # every prefix a sample, as the next
    "CorrectedSASRec": {"epochs": 10},
    "DebiasedSASRec": {"train_batch_size": 32},  # few steps, and not trained for the popular
    # 4 steps an epoch, of 256 users, are too few for 40 epochs to teach these:
    "SSEPT": {"train_batch_size": 32},
    "VanillaAE": {"train_batch_size": 32},
}


@pytest.fixture(scope="module")
def popularity() -> dict[str, float]:
    """NDCG@10 of Pop in both protocols, filled by the first test."""
    return {}


@pytest.mark.parametrize("name", OWN)
def test_beats_popularity(name: str, popularity: dict[str, float]) -> None:
    if not popularity:
        finished = run("Pop", "ml-100k")
        popularity.update({part: finished.metrics[part]["NDCG@10"] for part in PARTS})
    chosen = {"MAX_ITEM_LIST_LENGTH": 50, "epochs": 40, "eval_step": 4, "stopping_step": 3}
    finished = run(name, "ml-100k", config_dict=chosen | BY_NAME.get(name, {}))
    for part in PARTS:
        assert finished.metrics[part]["NDCG@10"] > 1.5 * popularity[part]
