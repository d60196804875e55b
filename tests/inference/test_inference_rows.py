"""What a model is fed: as in evaluation, without what nobody knows of an item yet to come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from recbole.data.interaction import Interaction
from shop import LENGTH, N_ITEMS, STEP, visits

from recbole_ext.runner import Run

VISITS = visits()
USER = max(VISITS, key=lambda user: len(VISITS[user]))
SHORT = min(VISITS, key=lambda user: len(VISITS[user]))


@pytest.fixture
def fed(
    model_of: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, torch.Tensor]]]:
    """The batches that a model gets to score."""

    def ask(model: str, *whom: Any, **how: Any) -> list[dict[str, torch.Tensor]]:
        trained, batches = model_of(model), []

        def note(batch: Interaction) -> torch.Tensor:
            batches.append(dict(batch.interaction))
            return torch.zeros(len(batch), N_ITEMS + 1)

        monkeypatch.setattr(trained.model, "full_sort_predict", note)
        trained.recommend(*whom, **how)
        return batches

    return ask


def test_a_model_of_this_library(fed: Callable[..., Any], model_of: Callable[[str], Run]) -> None:
    (batch,) = fed("FPARec", [USER, SHORT])
    ids = model_of("FPARec").dataset.field2token_id["item_id"]
    newest = [ids[item] for item in VISITS[USER][-LENGTH:]]
    few = [ids[item] for item in VISITS[SHORT]]
    assert set(batch) == {"user_id", "item_id_list", "item_length"}
    assert batch["item_id_list"].tolist() == [newest, few + [0] * (LENGTH - len(few))]
    assert batch["item_length"].tolist() == [LENGTH, len(few)]


def test_the_longest_sequences_come_first(fed: Callable[..., Any]) -> None:
    lengths = [
        batch["item_length"].tolist() for batch in fed("FPARec", [SHORT, USER], batch_size=1)
    ]
    assert lengths == [[LENGTH], [len(VISITS[SHORT])]]


def test_a_new_user_has_no_id(fed: Callable[..., Any]) -> None:
    (batch,) = fed("SASRec", [["i1", "i2"]])
    assert set(batch) == {"item_id_list", "item_length"}


def test_recboles_models_get_the_history_of_every_column(fed: Callable[..., Any]) -> None:
    (batch,) = fed("SASRec", [USER])
    assert set(batch) == {"user_id", "item_id_list", "item_length", "timestamp_list"}
    assert batch["timestamp_list"].diff().tolist() == [[float(STEP)] * (LENGTH - 1)]


def test_recboles_models_get_their_transform(fed: Callable[..., Any]) -> None:
    (batch,) = fed("SHAN", [SHORT])
    few = len(VISITS[SHORT])
    assert batch["Inverse_item_id_list"].tolist() == [
        [0] * (LENGTH - few) + batch["item_id_list"][0, :few].tolist()
    ]


def test_recboles_models_get_features_of_users(
    fed: Callable[..., Any], model_of: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = model_of("SASRec").dataset
    ages = Interaction({"user_id": torch.arange(61), "age": torch.arange(61) + 20})
    monkeypatch.setattr(dataset, "user_feat", ages)
    (batch,) = fed("SASRec", ["u5", "u3"])
    by_length = sorted(["u5", "u3"], key=lambda user: -len(VISITS[user]))
    assert batch["age"].tolist() == [20 + dataset.token2id("user_id", user) for user in by_length]


def test_batches_are_of_the_size_that_was_asked(fed: Callable[..., Any]) -> None:
    sizes = [len(batch["item_length"]) for batch in fed("FPARec", list(VISITS), batch_size=25)]
    assert sizes == [25, 25, 10]


def test_scores_that_a_model_keeps_stay_as_they_are(
    model_of: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, kept = model_of("FPARec"), torch.ones(1, N_ITEMS + 1)
    monkeypatch.setattr(trained.model, "full_sort_predict", lambda batch: kept)
    assert len(trained.recommend([["i1"]], k=N_ITEMS)) == N_ITEMS - 1
    assert torch.equal(kept, torch.ones(1, N_ITEMS + 1))
