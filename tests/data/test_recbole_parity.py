"""Our data against RecBole's own augmentation and its time order, on ml-100k."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from recbole.data import create_dataset
from recbole.data.dataset import Dataset, SequentialDataset

from recbole_ext.config import ExtConfig
from recbole_ext.data.batches import FieldNames, gather
from recbole_ext.data.dataset import FlatSequentialDataset, PrefixDataset
from recbole_ext.data.loading import load_data
from recbole_ext.data.rows import held_out_rows, prefix_rows
from recbole_ext.data.split import leave_one_out
from recbole_ext.stock import recbole_dir

pytestmark = pytest.mark.usefixtures("quiet_place")

ML_100K = "ml-100k/ml-100k.inter"
COLUMNS = ["user_id", "item_id", "rating", "timestamp"]
WIDTH = 12


def bundled() -> pd.DataFrame:
    file = recbole_dir() / "dataset_example" / ML_100K
    return pd.read_csv(file, sep="\t", names=COLUMNS, header=0)


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ml-100k with its time replaced by the rank: no ties, and exact in float32 too."""
    frame = bundled()
    order = frame["timestamp"].to_numpy(np.float64).argsort(kind="stable")
    frame["timestamp"] = np.argsort(order)
    folder = tmp_path_factory.mktemp("ranked")
    (folder / "ranked").mkdir()
    header = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    frame.to_csv(folder / "ranked" / "ranked.inter", sep="\t", header=header, index=False)
    return folder


@pytest.fixture(scope="module")
def config(ranked: Path) -> ExtConfig:
    return ExtConfig(
        "SASRec",
        "ranked",
        config_dict={
            "data_path": str(ranked),
            "load_col": {"inter": COLUMNS},
            "split_protocol": "recbole",
            "MAX_ITEM_LIST_LENGTH": WIDTH,
            "use_gpu": False,
        },
    )


@pytest.fixture(scope="module")
def stock(config: ExtConfig) -> list[Any]:
    """RecBole's own augmented data sets: train, valid, test."""
    return SequentialDataset(config).build()


@pytest.fixture(scope="module")
def ours(config: ExtConfig) -> dict[str, dict[str, torch.Tensor]]:
    """All rows of the same three parts, gathered from the flat store."""
    dataset = load_data(config)
    assert isinstance(dataset, FlatSequentialDataset)
    split = leave_one_out(dataset.store, config["split_protocol"])
    prefixes = PrefixDataset.of(dataset, split, prefix_rows(dataset.store, split, WIDTH), WIDTH)
    assert len(prefixes) == 97_171
    parts = {"train": prefixes[np.arange(len(prefixes))]}
    store, names = dataset.store_with_columns(), FieldNames.from_config(config)
    for part, places in (("valid", split.valid), ("test", split.test)):
        rows = held_out_rows(store, places, WIDTH)
        parts[part] = gather(store, rows, np.arange(len(rows)), names, WIDTH)
    return {part: batch.interaction for part, batch in parts.items()}


@pytest.mark.parametrize(("part", "rows"), [("train", 97_171), ("valid", 943), ("test", 943)])
def test_rows_are_those_of_recbole(
    part: str, rows: int, stock: list[Any], ours: dict[str, dict[str, torch.Tensor]]
) -> None:
    theirs = stock[["train", "valid", "test"].index(part)].inter_feat.interaction
    assert (
        set(ours[part])
        == set(theirs)
        == {
            *COLUMNS,
            "item_length",
            "item_id_list",
            "rating_list",
            "timestamp_list",
        }
    )
    # RecBole orders its rows by user, and after augmentation by time: back to the first order.
    order = np.lexsort((theirs["timestamp"], theirs["user_id"]))
    for name, values in theirs.items():
        assert len(values) == rows
        assert values.dtype == ours[part][name].dtype
        assert torch.equal(values[order], ours[part][name]), name


def test_some_rows_are_cut_and_some_are_not(ours: dict[str, dict[str, torch.Tensor]]) -> None:
    lengths = ours["train"]["item_length"]
    assert sorted(lengths.unique().tolist()) == list(range(1, WIDTH + 1))
    assert (lengths == WIDTH).sum() == 97_171 - 943 * (WIDTH - 1)


def exact_targets() -> dict[str, str]:
    """The last item of each user by exact time, ties in the order of the file."""
    frame = bundled().astype({"user_id": str, "item_id": str})
    return (
        frame.sort_values("timestamp", kind="stable").groupby("user_id")["item_id"].last().to_dict()
    )


def stock_targets(ml_100k: Callable[..., dict[str, Any]]) -> dict[str, str]:
    """The test targets of RecBole's stock pipeline."""
    settings = ml_100k(own=False, split_protocol="recbole")
    dataset = create_dataset(ExtConfig("SASRec", "ml-100k", config_dict=settings))
    assert type(dataset) is SequentialDataset
    test = dataset.build()[2].inter_feat
    users = dataset.id2token("user_id", test["user_id"].numpy())
    items = dataset.id2token("item_id", test["item_id"].numpy())
    return dict(zip(users, items, strict=True))


def test_stock_recbole_gets_the_exact_test_items(ml_100k: Callable[..., dict[str, Any]]) -> None:
    assert stock_targets(ml_100k) == exact_targets()


def test_without_the_adaptation_one_in_six_would_be_wrong(
    ml_100k: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapted = Dataset._change_feat_format
    original = inspect.getclosurevars(adapted).nonlocals["convert"]
    monkeypatch.setattr(Dataset, "_change_feat_format", original)
    targets, exact = stock_targets(ml_100k), exact_targets()
    wrong = sum(targets[user] != item for user, item in exact.items())
    assert 140 <= wrong <= 158  # 15.8 % of 943; pandas may break ties another way


def test_our_own_order_is_the_exact_one(ml_100k: Callable[..., dict[str, Any]]) -> None:
    dataset = load_data(ExtConfig("FPARec", "ml-100k", config_dict=ml_100k()))
    store, split = dataset.store, leave_one_out(dataset.store)
    users = split.test >= 0
    names = dataset.id2token("user_id", np.flatnonzero(users))
    items = dataset.id2token("item_id", store.items[split.test[users]])
    assert dict(zip(names, items, strict=True)) == exact_targets()
