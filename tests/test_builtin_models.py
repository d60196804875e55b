"""RecBole's models through our command: they train, are ranked, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from recbole.data.dataloader import TrainDataLoader

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import TRIMMABLE, EvaluationLoader, build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError
from recbole_ext.runner import Run, load, run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
UNIFORM = {
    "distribution": "uniform",
    "sample_num": 1,
    "alpha": 1.0,
    "dynamic": False,
    "candidate_num": 0,
}
SMALL_LAYERS = {"n_layers": 1, "n_heads": 2, "hidden_size": 16, "inner_size": 16}
# model: its negatives as RecBole sees them (None: none), a small size of it
SHORT_HISTORIES = {"users": 536, "items": 1194, "interactions": 21_630, "sha256": ""}
BUILT_IN: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "SASRec": (None, SMALL_LAYERS),
    "GRU4Rec": (None, {"embedding_size": 16, "hidden_size": 16}),
    "BERT4Rec": (None, {**SMALL_LAYERS, "MAX_ITEM_LIST_LENGTH": 10}),
    "NARM": (None, {"embedding_size": 16, "hidden_size": 16}),
    "CORE": (None, {"n_layers": 1, "n_heads": 2, "embedding_size": 16, "inner_size": 16}),
    "Pop": (None, {}),
    "BPR": (UNIFORM, {"embedding_size": 16}),
    "ItemKNN": (None, {}),
}


def trained(model: str, chosen: dict[str, Any], dataset: str) -> Run:
    finished = run(model, dataset, config_dict={**chosen, **BUILT_IN[model][1]})
    assert isinstance(finished.loaders.train, TrainDataLoader)
    return finished


def check_negatives(finished: Run, model: str) -> None:
    found, expected = finished.config["train_neg_sample_args"], BUILT_IN[model][0]
    if expected is None:
        assert found["distribution"] == "none"
    else:
        assert found == expected


def check_load(finished: Run) -> None:
    loaded = load(finished.run_dir)
    for part in ("valid", "test"):
        assert loaded.evaluate(part).flat() == finished.evaluate(part).flat()
    assert loaded.evaluate().seen_kept == finished.metrics["test"]
    assert loaded.metrics == finished.metrics


def test_dynamic_negatives(settings: Settings) -> None:
    """RecBole's loader asks the model which of its candidates scores highest."""
    hardest = {"distribution": "uniform", "sample_num": 1, "dynamic": True, "candidate_num": 4}
    chosen = settings(own=False, embedding_size=16, epochs=1)
    plain = run("BPR", "ring", config_dict=chosen)
    finished = run("BPR", "ring", config_dict={**chosen, "train_neg_sample_args": hardest})
    losses = [one.trainer.progress.history[0]["loss"] for one in (plain, finished)]
    assert losses[1] > losses[0]  # harder to tell from the positive ones
    del hardest["candidate_num"]
    with pytest.raises(ConfigError, match="needs candidate_num beside dynamic: true"):
        run("BPR", "ring", config_dict={**chosen, "train_neg_sample_args": hardest})


@pytest.mark.parametrize("model", BUILT_IN)
def test_an_epoch_on_ml_100k(model: str, ml_100k: Settings) -> None:
    chosen = ml_100k(
        own=False,
        epochs=1,
        MAX_ITEM_LIST_LENGTH=20,
        user_inter_num_interval="[20,80]",  # for speed: 536 of 943 users
        train_batch_size=2048,
        eval_batch_size=512,
    )
    finished = trained(model, chosen, "ml-100k")
    check_negatives(finished, model)
    check_load(finished)
    metrics = finished.metrics
    assert metrics["epochs"] == 1
    assert metrics["data"] | {"sha256": ""} == SHORT_HISTORIES
    for part in ("valid", "test", "valid_seen_masked", "test_seen_masked"):
        assert all(0 < value < 1 for value in metrics[part].values())
    # MovieLens users rate a film once: without the seen ones the target can but rise.
    assert metrics["test_seen_masked"]["NDCG@20"] >= metrics["test"]["NDCG@20"]


@pytest.mark.parametrize("model", ["SASRec", "GRU4Rec", "NARM"])
def test_learns_the_ring(model: str, settings: Settings) -> None:
    chosen = settings(own=False, epochs=10, learning_rate=0.02)
    finished = trained(model, chosen, "ring")
    assert finished.metrics["test"]["Hit@5"] > 0.5
    assert finished.metrics["epochs"] == 10


@pytest.mark.parametrize("model", ["Pop", "ItemKNN"])
def test_models_that_count_see_their_data_once(model: str, settings: Settings) -> None:
    finished = trained(model, settings(own=False, epochs=10), "ring")
    assert (finished.metrics["epochs"], finished.metrics["best_epoch"]) == (1, 0)


def test_popularity_is_exact(settings: Settings) -> None:
    """Pop's scores, in its other_parameter, are the counts of the training parts."""
    finished = run("Pop", "ring", config_dict=settings(own=False))
    store, split = finished.dataset.store, finished.loaders.split
    places = [range(b, e) for b, e in zip(store.offsets[:-1], split.train_end, strict=True)]
    items = torch.from_numpy(store.items[[place for some in places for place in some]])
    counts = torch.bincount(items, minlength=store.n_items)
    for model in (finished.model, load(finished.run_dir).model):
        assert model.item_cnt.flatten().long().equal(counts)
        assert model.max_cnt == counts.max()


def test_state_with_sub_modules_and_caches(settings: Settings) -> None:
    """LightGCN keeps a cache that is empty while it trains."""
    chosen = settings(own=False, epochs=3, eval_step=2, embedding_size=8)
    check_load(run("LightGCN", "ring", config_dict=chosen))


def test_models_that_score_pairs_alone(settings: Settings) -> None:
    chosen = settings(own=False, epochs=1, eval_users=10, mlp_hidden_size=[8])
    check_load(run("NeuMF", "ring", config_dict=chosen))


def test_bpr_loss_draws_negatives(settings: Settings) -> None:
    chosen = settings(own=False, loss_type="BPR", **SMALL_LAYERS)
    finished = run("SASRec", "ring", config_dict=chosen)
    assert finished.config["train_neg_sample_args"] == UNIFORM
    batch = next(iter(finished.loaders.train))
    assert ((batch["neg_item_id"] > 0) & (batch["neg_item_id"] != batch["item_id"])).all()


@pytest.mark.parametrize("model", sorted(TRIMMABLE))
def test_trimming_changes_no_score(model: str, settings: Settings) -> None:
    chosen = settings(own=False, MAX_ITEM_LIST_LENGTH=30, **BUILT_IN[model][1])
    config = ExtConfig(model, "ring", config_dict=chosen)
    flat = load_data(config)
    loaders = build_loaders(config, flat, own_model=False)
    torch.manual_seed(0)
    scorer = config.model_class(config, loaders.train._dataset).eval()
    for parameter in scorer.parameters():  # some begin so small that nothing could differ
        torch.nn.init.normal_(parameter, std=0.3)
    config["trim_batches"] = False
    untrimmed = EvaluationLoader(config, flat, loaders.split.test, own_model=False)
    widths = set()
    for one, other in zip(loaders.test, untrimmed, strict=True):
        widths.add(one.interaction["item_id_list"].shape[1])
        assert other.interaction["item_id_list"].shape[1] == 30
        with torch.no_grad():
            scores = [scorer.full_sort_predict(some.interaction) for some in (one, other)]
        assert torch.allclose(*scores, atol=1e-5)
        assert scores[0].std() > 0.1
    assert max(widths) < 30


def test_models_that_are_not_trimmable_get_full_width(settings: Settings) -> None:
    config = ExtConfig("BERT4Rec", "ring", config_dict=settings(own=False, **SMALL_LAYERS))
    loaders = build_loaders(config, load_data(config), own_model=False)
    (batch, *_) = loaders.test
    assert batch.interaction["item_id_list"].shape[1] == 8
    assert next(iter(loaders.train))["item_id_list"].shape[1] == 8
