"""DualSASRec: its loss, what its bank holds, no leakage of a batch's users into its items."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.trainer import Trainer
from safetensors.torch import load_file
from torch import Tensor

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError
from recbole_ext.model.dual import DualSASRec
from recbole_ext.runner import load, run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
STILL = {"hidden_dropout_prob": 0.0, "attn_dropout_prob": 0.0, "dual_items": 999}


@pytest.fixture
def make(settings: Settings) -> Callable[..., tuple[DualSASRec, Any]]:
    """An untrained model on ``ring`` and a batch; its bank holds random vectors."""

    def made(**keys: Any) -> tuple[DualSASRec, Any]:
        config = ExtConfig("DualSASRec", "ring", config_dict=settings(**{**STILL, **keys}))
        dataset = load_data(config)
        torch.manual_seed(0)
        model = config.model_class(config, dataset)
        if model.duality is not None:
            users = torch.arange(1, dataset.user_num)
            model.duality.bank.write(users, torch.randn(len(users), 16))
        return model, next(iter(build_loaders(config, dataset, own_model=True).train))

    return made


def bank_of(model: DualSASRec) -> Tensor:
    assert model.duality is not None
    return model.duality.bank.vectors


def written(place: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What a run left, its times aside."""
    metrics = json.loads((place / "metrics.json").read_text())
    for name in ("seconds_per_epoch", "train_seconds", "model"):
        metrics.pop(name)
    return load_file(place / "model.safetensors"), metrics


def same(one: Path, other: Path) -> bool:
    (tensors, metrics), (others, other_metrics) = written(one), written(other)
    assert tensors.keys() == others.keys()
    return metrics == other_metrics and all(v.equal(others[k]) for k, v in tensors.items())


def test_without_weight_it_is_vanilla_ar_bit_for_bit(settings: Settings, tmp_path: Path) -> None:
    for objective in ("all_positions", "last_position"):
        places = [tmp_path / objective / name for name in ("dual", "base")]
        common = {"train_objective": objective}
        for model, place, keys in (
            ("DualSASRec", places[0], {"dual_weight": 0.0}),
            ("VanillaAR", places[1], {}),
        ):
            run(model, "ring", config_dict=settings(**common, **keys, run_dir=str(place)))
        assert same(*places)


def test_the_bases_initial_weights_are_those_of_its_seed(make: Any) -> None:
    base, dual = make(dual_weight=0.0)[0].state_dict(), make(dual_weight=0.5)[0].state_dict()
    assert all(value.equal(dual[name]) for name, value in base.items())
    assert all(name.startswith("duality.") for name in dual.keys() - base.keys())


@pytest.mark.parametrize("objective", ["all_positions", "last_position"])
@pytest.mark.parametrize("consistency", ["cosine", "mse", "infonce"])
def test_the_loss_is_the_bases_plus_lambda_times_consistency(
    objective: str, consistency: str, make: Any
) -> None:
    keys = {"train_objective": objective, "consistency": consistency, "dual_weight": 0.25}
    if consistency == "infonce":
        keys["dual_temperature"] = 0.3
    (model, batch), (base, _) = make(**keys), make(train_objective=objective, dual_weight=0.0)
    model.eval()
    task = model.task(batch)
    dual = model.duality(task.targets, batch["user_id"], model.embedding.items)
    assert dual.item() > 1e-3
    wanted = base.eval().calculate_loss(batch) + 0.25 * dual
    torch.testing.assert_close(model.calculate_loss(batch), wanted)


def test_no_users_vector_enters_its_own_batch(make: Any) -> None:
    """Whatever the bank holds of the batch's users; what it holds of others does matter."""
    model, batch = make(dual_weight=1.0)
    model.eval()
    users = batch["user_id"]
    others = [u for u in range(1, len(bank_of(model))) if u not in users.tolist()]

    def loss() -> Tensor:
        torch.manual_seed(0)  # the same items in the same order
        return model.calculate_loss(batch)

    with torch.no_grad():
        before = loss()
        bank_of(model)[users] = 50 * torch.randn(len(users), 16)
        assert loss().equal(before)
        bank_of(model)[others] = torch.randn(len(others), 16)
        assert abs(loss() - before) > 1e-3


def test_training_writes_the_newest_states_and_ranking_nothing(make: Any) -> None:
    model, batch = make(dual_weight=0.1)
    before = bank_of(model).clone()
    with torch.no_grad():
        model.eval().calculate_loss(batch)
        model.full_sort_predict(batch)
        model.predict(batch)
        assert bank_of(model).equal(before)
        states = model(batch["item_id_list"], batch["item_length"])
        model.train().calculate_loss(batch)
    users = batch["user_id"]
    torch.testing.assert_close(bank_of(model)[users], states)
    others = torch.ones(len(before), dtype=torch.bool).index_fill(0, users, False)
    assert bank_of(model)[others].equal(before[others])


@pytest.mark.parametrize("told", [True, False])
def test_an_older_row_of_a_user_leaves_the_bank_alone(told: bool, make: Any) -> None:
    """Of prefixes and windows the one that ends at the newest training item gives the vector.

    Which one that is the loader tells; the target does where RecBole's own loader does not.
    """
    model, batch = make(dual_weight=0.1)  # one row a user
    users, targets = batch["user_id"], batch["item_id"]
    before = bank_of(model).clone()
    older = torch.arange(len(users)) % 2 == 0
    assert batch.interaction.pop("newest_row").all()
    if told:
        batch.interaction["newest_row"] = ~older
    else:
        other = targets % (model.n_items - 1) + 1
        batch.interaction["item_id"] = torch.where(older, other, targets)
    model.train().calculate_loss(batch)
    changed = (bank_of(model) != before).any(1)
    assert not changed[users[older]].any()
    assert changed[users[~older]].all()


def test_gradients_reach_items_and_dual_encoder_unless_stopped(make: Any) -> None:
    for stopped, reached in {"none": (1, 1), "item": (0, 1), "dual": (1, 0)}.items():
        model, batch = make(dual_weight=1.0, dual_stop_gradient=stopped)
        task = model.task(batch)
        loss = model.duality(task.targets, batch["user_id"], model.embedding.items)
        sides = [model.embedding.items.weight, model.duality.encoder.output.weight]
        found = torch.autograd.grad(loss, sides, allow_unused=True)
        assert tuple(g is not None and g.norm().item() > 1e-5 for g in found) == reached
        if stopped == "none":
            rest = list(model.encoder.parameters())
            assert not any(p.grad is not None for p in rest)


def test_the_same_seed_gives_the_same_run(settings: Settings, tmp_path: Path) -> None:
    chosen = settings(dual_items=8, max_users=5, train_batch_size=16)
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        keys = {**chosen, "seed": seed, "run_dir": str(tmp_path / name)}
        run("DualSASRec", "ring", config_dict=keys)
    assert same(tmp_path / "a", tmp_path / "b")
    banks = [written(tmp_path / n)[0]["model.duality.bank.vectors"] for n in ("a", "c")]
    assert not banks[0].equal(banks[1])


def test_the_bank_comes_back_with_the_run(settings: Settings, tmp_path: Path) -> None:
    """Every user who trains has a vector; the loaded model scores as the run did at its end."""
    done = run("DualSASRec", "ring", config_dict=settings(run_dir=str(tmp_path / "r")))
    back = load(tmp_path / "r")
    assert isinstance(back.model, DualSASRec) and back.model.duality is not None
    saved = written(tmp_path / "r")[0]
    assert back.model.duality.bank.vectors.equal(saved["model.duality.bank.vectors"])
    assert back.model.duality.bank.known.tolist() == [False] + [
        bool(n > 1) for n in (back.loaders.split.train_end - back.dataset.store.offsets[:-1])[1:]
    ]
    assert back.evaluate("test").seen_kept == done.evaluate("test").seen_kept


def test_recboles_own_trainer_fills_the_bank(settings: Settings) -> None:
    config = ExtConfig(
        "DualSASRec", "ring", config_dict=settings(epochs=1, split_protocol="recbole")
    )
    torch.manual_seed(0)
    train, valid, _ = data_preparation(config, create_dataset(config))
    model = config.model_class(config, train.dataset)
    Trainer(config, model).fit(train, valid, saved=False, verbose=False)
    rows = train.dataset.inter_feat["user_id"].unique().tolist()
    assert model.duality.bank.known.nonzero().flatten().tolist() == rows


@pytest.mark.parametrize(
    ("model", "keys", "message"),
    [
        ("DualSASRec", {"dual_weight": -1}, "must be a number >= 0"),
        ("DualSASRec", {"direction": "ae", "mask_ratio": 0.5, "mask_last_prob": 0.1},
         "dual_weight: 0.1 (from properties/model/DualSASRec.yaml) needs direction: ar, not"),
        ("DualSASRec", {"dual_temperature": 0.2}, "dual_temperature: 0.2 (from config_dict) is"),
        ("DualSASRec", {"consistency": "cos"}, "must be one of cosine, mse, infonce"),
        ("FPARec", {"dual_weight": 0.1}, "it is a key of recbole_ext's DualSASRec"),
    ],
    ids=str,
)  # fmt: skip
def test_impossible_settings_are_refused(model: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        ExtConfig(model, "shop", config_dict=keys)
    assert message in str(error.value)
