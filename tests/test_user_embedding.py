"""SSE-PT from the data to recommendations: every way that feeds the model says who the user is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.data import create_dataset, data_preparation

from recbole_ext import load, run
from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def test_a_stock_batch_has_the_loss_of_ours(settings: Settings) -> None:
    chosen = settings(
        train_objective="last_position",
        split_protocol="recbole",
        shuffle=False,
        train_batch_size=9999,
    )
    config = ExtConfig("SSEPT", "ring", config_dict=chosen)
    theirs, _, test = data_preparation(config, create_dataset(config))
    ours = build_loaders(config, load_data(config), own_model=True)
    torch.manual_seed(0)
    model = config.model_class(config, theirs.dataset).eval()
    assert model.embedding.users.table.weight.shape == (81, 8)
    (one,), (other,) = list(theirs), list(ours.train)
    assert torch.equal(one["user_id"], other["user_id"])
    assert model.calculate_loss(one).item() == pytest.approx(
        model.calculate_loss(other).item(), rel=1e-5
    )
    ranked = {}
    with torch.no_grad():
        for rows in [batch[0] for batch in test] + [batch.interaction for batch in ours.test]:
            ranking = model.full_sort_predict(rows)
            for user, scores in zip(rows["user_id"].tolist(), ranking, strict=True):
                torch.testing.assert_close(scores, ranked.setdefault(user, scores))
    assert len(ranked) == 80


def test_a_trained_model_comes_back_and_recommends(settings: Settings, tmp_path: Path) -> None:
    trained = run("SSEPT", "ring", config_dict=settings(run_dir=str(tmp_path / "run")))
    loaded = load(tmp_path / "run")
    rows = next(iter(trained.loaders.test)).interaction
    with torch.no_grad():
        scores = trained.model.eval().full_sort_predict(rows)  # type: ignore[operator]
        assert torch.equal(scores, loaded.model.full_sort_predict(rows))  # type: ignore[operator]
    assert loaded.evaluate().seen_kept == {
        name: value for name, value in trained.metrics["test"].items()
    }

    history = ["i3", "i4", "i5"]
    new = loaded.recommend(histories=[history], k=29, exclude_seen=False).to_frame()
    ids = torch.tensor([[loaded.dataset.token2id("item_id", item) for item in history]])
    users = loaded.model.embedding.users.table.weight  # type: ignore[union-attr,operator]
    with torch.no_grad():
        users[1] = users[1:].mean(0)
        state = loaded.model.encode(ids, user=torch.tensor([1]))[:, -1]  # type: ignore[operator]
        query = loaded.model.queries(state, torch.tensor([1]))  # type: ignore[operator]
        expected = (query @ loaded.model.item_table.T)[0]  # type: ignore[operator,union-attr]
    for item, score in zip(new["item"], new["score"], strict=True):
        assert score == pytest.approx(
            float(expected[loaded.dataset.token2id("item_id", item)]), abs=1e-5
        )
