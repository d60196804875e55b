"""Features and given vectors from files to scores, through a run folder and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bad_input import Refused
from recbole.data import create_dataset, data_preparation

from recbole_ext import load, run
from recbole_ext.config import ExtConfig
from recbole_ext.data.loading import load_data
from recbole_ext.errors import ConfigError
from recbole_ext.runner import Run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
ML_100K = {"item_features": ["class", "release_year"], "MAX_ITEM_LIST_LENGTH": 10, "epochs": 1}


@torch.no_grad()
def scores(finished: Run) -> torch.Tensor:
    rows = next(iter(finished.loaders.test)).interaction
    return finished.model.eval().full_sort_predict(rows)  # type: ignore[operator,no-any-return]


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """Of 20 of the 30 items of ``ring``, 5 wide."""
    path = tmp_path / "vectors.npz"
    values = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    np.savez(path, tokens=np.array([f"i{item}" for item in range(20)]), vectors=values)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"feature_combination": "concat", "score": "cosine"},
        {"score_with_features": False},
        {"item_id_embedding": False},
    ],
    ids=str,
)
def test_features_of_ml_100k_come_back_from_the_run_folder(
    changes: dict[str, Any], ml_100k: Settings, tmp_path: Path
) -> None:
    chosen = ml_100k(run_dir=str(tmp_path / "run"), **ML_100K, **changes)
    trained = run("FPARec", "ml-100k", config_dict=chosen)
    assert (trained.metrics["data"]["users"], trained.metrics["data"]["items"]) == (943, 1682)
    loaded = load(tmp_path / "run")
    assert torch.equal(scores(trained), scores(loaded))
    assert loaded.evaluate().seen_kept == trained.metrics["test"]

    dataset, encoder = loaded.dataset, loaded.model.embedding.items  # type: ignore[union-attr]
    toy_story = dataset.token2id("item_id", "1")
    genres, years = (part.table.weight for part in encoder.parts)  # type: ignore[union-attr]
    named = [dataset.token2id("class", genre) for genre in ("Animation", "Children's", "Comedy")]
    parts = [genres[named].mean(0), years[dataset.token2id("release_year", "1995")]]
    if changes.get("item_id_embedding", True):
        parts.insert(0, encoder.weight[toy_story])  # type: ignore[index,union-attr]
    expected = torch.stack(parts).sum(0)
    if "feature_combination" in changes:
        expected = encoder.combine.weight @ torch.cat(parts)  # type: ignore[union-attr,operator]
    torch.testing.assert_close(encoder(torch.tensor(toy_story)), expected)  # type: ignore[operator]


def test_a_backbone_reads_features_too(ml_100k: Settings, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra hf is not installed")
    place = str(tmp_path / "run")
    chosen = ml_100k(run_dir=place, **ML_100K, hidden_size=16, inner_size=16, score="cosine")
    del chosen["factor_rank"]
    trained = run("HFLlama", "ml-100k", config_dict=chosen)
    assert len(trained.model.items.parts) == 2  # type: ignore[union-attr,arg-type]
    assert torch.equal(scores(trained), scores(load(place)))


def test_recboles_own_loaders_feed_features_too(ml_100k: Settings) -> None:
    config = ExtConfig("FPARec", "ml-100k", config_dict=ml_100k(**ML_100K))
    train, _, test = data_preparation(config, create_dataset(config))
    models = []
    for dataset in (train.dataset, load_data(config)):
        torch.manual_seed(0)
        models.append(config.model_class(config, dataset).eval())
    rows = next(iter(test))[0]
    ours = load_data(config).field2token_id["item_id"]
    theirs = train.dataset.field2token_id["item_id"]
    assert {**ours} == {**theirs}
    with torch.no_grad():
        assert torch.equal(*(model.full_sort_predict(rows) for model in models))


@pytest.mark.parametrize("frozen", [True, False])
def test_given_vectors_come_back_from_the_run_folder(
    frozen: bool, settings: Settings, tmp_path: Path, vectors: Path
) -> None:
    chosen = settings(
        run_dir=str(tmp_path / "run"), pretrained_items=str(vectors), pretrained_frozen=frozen
    )
    trained = run("FPARec", "ring", config_dict=chosen)
    loaded = load(tmp_path / "run")
    assert torch.equal(scores(trained), scores(loaded))
    (part,) = loaded.model.embedding.items.parts  # type: ignore[union-attr]
    assert part.project.weight.shape == (16, 5)  # type: ignore[union-attr]
    given = np.load(vectors)["vectors"]
    ids = [loaded.dataset.token2id("item_id", f"i{item}") for item in range(20)]
    assert np.array_equal(part.vectors[ids].detach().numpy(), given) is frozen  # type: ignore[index]
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "20 of 30 items have a vector (width 5), 10 get zeros" in log


def test_vectors_make_the_inputs_of_items_without_ids(settings: Settings, vectors: Path) -> None:
    chosen = settings(pretrained_items=str(vectors), item_id_embedding=False, hidden_size=5)
    config = ExtConfig("FPARec", "ring", config_dict=chosen)
    dataset = load_data(config)
    table = config.model_class(config, dataset).item_table
    given = np.load(vectors)["vectors"]
    for token, item in dataset.field2token_id["item_id"].items():
        number = int(token[1:]) if item else 99
        expected = given[number] if number < 20 else np.zeros(5)
        assert np.array_equal(table[item].detach().numpy(), expected)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"item_features": ["a", "a"]}, "names a column twice"),
        ({"item_features": ["item_id"]}, "must name columns of the .item file other than the"),
        ({"item_features": "genre"}, "must be a list of names or null"),
        ({"feature_combination": "concat"}, "needs item_features or pretrained_items"),
        ({"item_id_embedding": False}, "needs item_features or pretrained_items"),
        (
            {"item_features": ["a"], "item_id_embedding": False, "score_with_features": False},
            "item_id_embedding: false (from config_dict) and score_with_features: false (from "
            "config_dict) leave nothing to score items with",
        ),
        ({"pretrained_items": "/none/v.pt"}, "must end in one of .csv, .npz, .npy, .safetensors"),
        ({"pretrained_items": "/none/v.npy"}, "pretrained_items: '/none/v.npy' (from config_dict) "
         "is no file"),
        ({"pretrained_items": "/" + "x" * 300 + ".npy"}, "is no file"),
        ({"pretrained_items": "/x\0.npy"}, "is no file"),
    ],
    ids=str,
)  # fmt: skip
def test_impossible_settings_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        ExtConfig("FPARec", "shop", config_dict=keys)
    assert message in str(error.value)


def test_a_run_with_bad_inputs_is_refused_in_one_line_and_leaves_nothing(
    ring: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "v.npz", tokens=np.array(["i1", "x"]), vectors=np.ones((2, 3)))
    refused = Refused(tmp_path, capsys)
    common = ("run", "--model=FPARec", "--dataset=ring", f"--data_path={ring}",
              f"--checkpoint_dir={tmp_path}/saved", "--use_gpu=false")  # fmt: skip
    line = refused(*common, f"--pretrained_items={tmp_path}/v.npz")
    assert line.startswith("v.npz: unknown item 'x', not in the data set (after its filters)")
    line = refused(*common, "--item_features=[genre]")
    assert line.endswith("ring.item is missing; load_col asks for genre, item_id of it")
    line = refused(*common, "--item_features=[genre,brand]", "--load_col=null")
    assert line.endswith("ring.item is missing; item_features asks for brand, genre of it")
