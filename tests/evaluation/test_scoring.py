"""Models that score pairs alone: each pair has its own columns, none of the held-out item's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import AbstractRecommender
from small import SMALL, write_atomic
from torch import Tensor, nn

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError, ModelError
from recbole_ext.evaluation.scoring import scores_of_all
from recbole_ext.registry import list_models
from recbole_ext.runner import load, run

pytestmark = pytest.mark.usefixtures("quiet_place")

USERS, ITEMS = 12, 9
READERS = ("FM", "DeepFM", "DIN", "KD_DAGFM")
SUMS_WIDELY = ("xDeepFM",)  # hundreds of products, in another order for one pair than for many
MORE_READERS = sorted(
    {m.name for m in list_models() if m.kind == "context_aware" and m.is_run} - {*READERS}
)
LOADED = {
    "inter": ["user_id", "item_id", "timestamp"],
    "user": ["user_id", "age"],
    "item": ["item_id", "price"],
}


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    """Settings of a data set with a column about users and one about items."""
    rows = [(f"u{u}", f"i{(u + t) % ITEMS}", 1.0 * t) for u in range(USERS) for t in range(5)]
    write_atomic(tmp_path, "shop", rows)
    for kind, count, column in (("user", USERS, "age"), ("item", ITEMS, "price")):
        lines = [f"{kind[0]}{n}\t{n + 10}" for n in range(count)]
        text = "\n".join([f"{kind}_id:token\t{column}:float", *lines]) + "\n"
        (tmp_path / "shop" / f"shop.{kind}").write_text(text)
    return {**SMALL, "data_path": str(tmp_path), "load_col": LOADED, "checkpoint_dir": "saved"}


class AgeTimesPrice(nn.Module):
    """Scores a pair by the user's column and the item's."""

    full_sort_predict = AbstractRecommender.full_sort_predict

    def predict(self, interaction: Any) -> Tensor:
        product: Tensor = interaction["age"] * interaction["price"]
        return product


@pytest.mark.parametrize("model", ["FM", "DIN"])
def test_every_pair_has_its_own_columns(model: str, described: dict[str, Any]) -> None:
    """DIN is sequential: its batches hold the target's columns, which must not reach the rest."""
    config = ExtConfig(model, "shop", config_dict=described)
    data = load_data(config)
    loader = build_loaders(config, data, own_model=False).test
    for batch in loader:
        found = scores_of_all(AgeTimesPrice(), batch.interaction, data, "cpu")
        age = data.user_feat["age"][batch.interaction["user_id"]]
        assert torch.equal(found, age[:, None] * data.item_feat["price"][None, :])
        assert len(found.unique()) > ITEMS


def test_columns_of_interactions_are_unknown(described: dict[str, Any], tmp_path: Path) -> None:
    """Of an item not yet taken nobody knows the device that it will be taken on."""
    file = tmp_path / "shop" / "shop.inter"
    header, *lines = file.read_text().splitlines()
    rows = [f"{header}\tdevice:token", *(f"{line}\tphone" for line in lines)]
    file.write_text("\n".join(rows) + "\n")
    inter = [*LOADED["inter"], "device"]
    with pytest.raises(ConfigError, match="would read the column 'device' of the interactions"):
        run("FM", "shop", config_dict={**described, "load_col": {**LOADED, "inter": inter}})
    assert not Path("saved").exists()


class Shaped(AgeTimesPrice):
    """The same scores in the shape that a model of RecBole's gives them."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def predict(self, interaction: Any) -> Tensor:
        return super().predict(interaction).reshape(self.shape)


def test_a_score_for_each_pair_in_whatever_shape(described: dict[str, Any]) -> None:
    """KD_DAGFM gives [V, 1]."""
    data = load_data(ExtConfig("FM", "shop", config_dict=described))
    batch = Interaction({"user_id": torch.tensor([3, 7])})
    flat = scores_of_all(AgeTimesPrice(), batch, data, "cpu")
    for shape in ((-1, 1), (1, -1)):
        assert scores_of_all(Shaped(shape), batch, data, "cpu").equal(flat)
    with pytest.raises(
        ModelError, match=r"predict gave .* of shape \[2, 10\]; it must give a score"
    ):
        scores_of_all(Twice(), batch, data, "cpu")


class Twice(AgeTimesPrice):
    def predict(self, interaction: Any) -> Tensor:
        return super().predict(interaction).repeat(2, 1)


class All(nn.Module):
    """Scores of all items as they are given."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores = scores

    def full_sort_predict(self, interaction: Any) -> Tensor:
        return self.scores


def test_scores_of_all_items_in_whatever_shape(described: dict[str, Any]) -> None:
    data = load_data(ExtConfig("FM", "shop", config_dict=described))
    batch = Interaction({"user_id": torch.tensor([3, 7])})
    expected = torch.arange(2.0 * (ITEMS + 1)).reshape(2, -1)
    for shape in ((2, -1), (-1,), (1, -1), (2, 1, -1)):
        assert scores_of_all(All(expected.reshape(shape)), batch, data, "cpu").equal(expected)
    for wrong in (expected.T, expected[:, 1:], torch.tensor(1.0)):
        with pytest.raises(ModelError, match="full_sort_predict gave"):
            scores_of_all(All(wrong), batch, data, "cpu")


@pytest.mark.parametrize(
    "model", [*READERS, *(pytest.param(one, marks=pytest.mark.slow) for one in MORE_READERS)]
)
@pytest.mark.filterwarnings("ignore")
def test_models_that_read_columns_are_ranked(model: str, described: dict[str, Any]) -> None:
    """Ranks are those of `predict` on pairs that are joined by hand."""
    finished = run(model, "shop", config_dict={**described, "numerical_features": ["age", "price"]})
    bound = 1e-5 if model in SUMS_WIDELY else 1e-6
    again = load(finished.run_dir)
    for batch in again.loaders.test:
        found = scores_of_all(again.model, batch.interaction, again.dataset, "cpu")
        for row, user in enumerate(batch.interaction["user_id"].tolist()):
            single = batch.interaction[[row]]
            for item in range(1, ITEMS + 1):
                one = single.repeat_interleave(1)
                one.update(Interaction({"item_id": torch.tensor([item])}))
                one.update(again.dataset.item_feat[one["item_id"]])
                one.update(again.dataset.user_feat[torch.tensor([user])])
                with torch.no_grad():
                    alone = again.model.predict(one)  # type: ignore[operator]
                assert found[row, item].item() == pytest.approx(alone.item(), abs=bound)
    (answer,) = again.recommend(["u3"], k=1)
    assert answer.item.startswith("i")
