"""A user's class written on RecBole's base classes, and what a class has from its ancestors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.model.abstract_recommender import (
    AbstractRecommender,
    GeneralRecommender,
    SequentialRecommender,
)
from recbole.model.loss import BPRLoss
from recbole.model.sequential_recommender import SASRec
from recbole.utils import InputType
from torch import Tensor, nn

from recbole_ext import load, register_model, registry, run
from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError

pytestmark = pytest.mark.usefixtures("quiet_place", "registers_nothing_for_good")

Settings = Callable[..., dict[str, Any]]


class Factors(GeneralRecommender):
    """Matrix factorisation by pairs, as RecBole's own pages show how to write a model."""

    input_type = InputType.PAIRWISE

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.users = nn.Embedding(self.n_users, config["width"])
        self.items = nn.Embedding(self.n_items, config["width"])
        self.loss = BPRLoss()

    def calculate_loss(self, interaction: Any) -> Tensor:
        user = self.users(interaction[self.USER_ID])
        taken, not_taken = (
            (user * self.items(interaction[field])).sum(1)
            for field in (self.ITEM_ID, self.NEG_ITEM_ID)
        )
        return self.loss(taken, not_taken)

    def full_sort_predict(self, interaction: Any) -> Tensor:
        return (self.users(interaction[self.USER_ID]) @ self.items.weight.T).view(-1)


class Mean(SequentialRecommender):
    """The mean of the history."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.items = nn.Embedding(self.n_items, config["width"], padding_idx=0)
        self.by_pairs = config["loss_type"] == "BPR"

    def forward(self, interaction: Any) -> Tensor:
        length = interaction[self.ITEM_SEQ_LEN].unsqueeze(1)
        return self.items(interaction[self.ITEM_SEQ]).sum(1) / length

    def calculate_loss(self, interaction: Any) -> Tensor:
        state = self.forward(interaction)
        taken = interaction[self.POS_ITEM_ID]
        if not self.by_pairs:
            return nn.functional.cross_entropy(state @ self.items.weight.T, taken)
        not_taken = self.items(interaction[self.NEG_ITEM_ID])
        return BPRLoss()((state * self.items(taken)).sum(1), (state * not_taken).sum(1))

    def full_sort_predict(self, interaction: Any) -> Tensor:
        return self.forward(interaction) @ self.items.weight.T


def registered(model_class: type[Any], tmp_path: Path, text: str | None) -> None:
    if text is None:
        register_model()(model_class)
        return
    file = tmp_path / f"{model_class.__name__}.yaml"
    file.write_text(text)
    register_model(file)(model_class)


def test_a_general_model_by_pairs(tmp_path: Path, settings: Settings) -> None:
    registered(Factors, tmp_path, "width: 8\n")
    assert next(m for m in registry.list_models() if m.name == "Factors").kind == "general"
    finished = run("Factors", "ring", config_dict=settings(own=False, epochs=2))
    again = load(finished.run_dir).evaluate("test").flat()
    assert again["NDCG@10"] == finished.metrics["test"]["NDCG@10"]


@pytest.mark.parametrize("loss", ["CE", "BPR"])
def test_a_sequential_model_by_its_loss_type(loss: str, tmp_path: Path, settings: Settings) -> None:
    registered(Mean, tmp_path, f"width: 8\nloss_type: {loss}\n")
    config = ExtConfig("Mean", "ring", config_dict=settings(own=False))
    assert (config["train_neg_sample_args"]["distribution"] == "none") == (loss == "CE")
    finished = run("Mean", "ring", config_dict=settings(own=False, epochs=1))
    assert torch.isfinite(torch.tensor(finished.metrics["test"]["NDCG@10"]))
    with pytest.raises(ConfigError, match="is for recbole_ext's own models; RecBole's Mean takes"):
        ExtConfig("Mean", "ring", config_dict={"train_objective": "all_positions"})


@pytest.mark.parametrize("text", [None, "width: 8\n", "loss_type: BCE\n"])
def test_a_class_that_does_not_say_what_its_loss_is_of(text: str | None, tmp_path: Path) -> None:
    """RecBole would end in a ValueError."""
    registered(Mean, tmp_path, text)
    with pytest.raises(ConfigError, match="the class Mean does not say what its loss is of: give"):
        ExtConfig("Mean", "ring")


class NoModel:
    type = "sequential"


@pytest.mark.parametrize("model_class", [NoModel, nn.Module, AbstractRecommender])
def test_a_class_that_is_no_recommender(model_class: type[Any]) -> None:
    name = model_class.__name__
    with pytest.raises(ConfigError, match=f"the class {name} is no recommender of RecBole's kind"):
        register_model()(model_class)
    assert name not in registry.known_names()
    with pytest.raises(ConfigError, match=f"the class {name} is no recommender of RecBole's kind"):
        ExtConfig(model_class, "ring")


@pytest.mark.parametrize("text", [None, "lambda_: 0.1\n", "base: SASRec\nlambda_: 0.1\n"])
def test_keys_of_recboles_model_it_derives_from(
    text: str | None, tmp_path: Path, settings: Settings
) -> None:
    derived = type("Derived", (SASRec,), {})
    registered(derived, tmp_path, text)
    config = ExtConfig("Derived", "ring", config_dict={"hidden_size": 16, "loss_type": "BPR"})
    assert (config["hidden_size"], config["n_layers"], config["inner_size"]) == (16, 2, 256)
    if text is not None:
        assert config["lambda_"] == 0.1
    assert not config.lineage.own
    with pytest.raises(ConfigError, match=r"for model Derived; a new key of its own goes into its"):
        ExtConfig("Derived", "ring", config_dict={"mu": 1})
    run("Derived", "ring", config_dict=settings(own=False, epochs=1))


@pytest.mark.parametrize("text", [None, "warmth: 0.5\n"])
def test_keys_of_our_model_it_derives_from(text: str | None, tmp_path: Path) -> None:
    parent = type("Parent", (registry.get_model_class("FPARec"),), {})
    registered(parent, tmp_path, "factor_rank: 7\n")
    registered(type("Child", (parent,), {}), tmp_path, text)
    for name in ("Parent", "Child"):
        config = ExtConfig(name, "ring")
        assert (config["factor_rank"], config["attention"]) == (7, "factorized_positional")
        assert config.lineage.own
    assert registry.lineage("Child").root == "Child"
    preset = type("Preset", (registry.get_model_class("LocalAR"),), {})
    registered(preset, tmp_path, None)
    assert ExtConfig("Preset", "ring")["n_local_heads"] == 1
