"""What is read, filtered and numbered is what RecBole reads, filters and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recbole.data.dataset import SequentialDataset

from recbole_ext.config import ExtConfig
from recbole_ext.data.dataset import FlatSequentialDataset

pytestmark = pytest.mark.usefixtures("quiet_place")

INTER = ["user_id", "item_id", "rating", "timestamp"]
ITEM = ["item_id", "movie_title", "release_year", "class"]
USER = ["user_id", "age", "gender", "occupation", "zip_code"]
ALL = {"inter": INTER, "item": ITEM, "user": USER}
CORE = {"user_inter_num_interval": "[25,inf)", "item_inter_num_interval": "[20,inf)"}
FILTERED = {"filter_inter_by_user_or_item": True}
TABLES = ("inter_feat", "user_feat", "item_feat")


def both(dataset: str, **keys: Any) -> tuple[Any, Any]:
    """RecBole's data set and ours, as they are before any conversion to tensors."""
    config = ExtConfig("SASRec", dataset, config_dict={"use_gpu": False, **keys})
    return SequentialDataset(config), FlatSequentialDataset(config)


def assert_same(stock: Any, ours: Any) -> None:
    for name in ("field2type", "field2source", "field2seqlen", "field2bucketnum"):
        assert getattr(ours, name) == getattr(stock, name), name
    assert list(ours.field2type) == list(stock.field2type)
    assert list(ours.field2id_token) == list(stock.field2id_token)
    for field, tokens in stock.field2id_token.items():
        assert ours.field2id_token[field].dtype == tokens.dtype
        assert ours.field2id_token[field].tolist() == tokens.tolist()
        assert ours.field2token_id[field] == stock.field2token_id[field]
    for name in TABLES:
        assert_same_table(getattr(stock, name), getattr(ours, name))
    for field, matrix in stock._preloaded_weight.items():
        np.testing.assert_array_equal(ours._preloaded_weight[field], matrix)


def assert_same_table(stock: pd.DataFrame | None, ours: pd.DataFrame | None) -> None:
    if stock is None or ours is None:
        assert ours is stock
        return
    assert list(ours) == list(stock)
    for column in stock:
        if stock[column].dtype != object:
            pd.testing.assert_series_equal(ours[column], stock[column])
            continue
        assert len(ours) == len(stock)
        for mine, theirs in zip(ours[column], stock[column], strict=True):
            np.testing.assert_array_equal(mine, theirs)


ML_100K = {
    "three columns": {},
    "every column of every file": {"load_col": ALL},
    "core": CORE,
    "core of users alone": {"user_inter_num_interval": "[50,inf)"},
    "core with features": {"load_col": ALL, **CORE},
    "core with item features": {"load_col": {"inter": INTER, "item": ITEM}, **CORE},
    "upper bounds": {
        "user_inter_num_interval": "(5,400]",
        "item_inter_num_interval": "[5,20);(40,500]",
        "load_col": ALL,
    },
    "values": {"load_col": ALL, "val_interval": {"rating": "[3,inf)"}, **CORE},
    "names": {"load_col": ALL, "val_interval": {"gender": ["F"], "age": ["24", "25"]}, **FILTERED},
    "names of items": {"load_col": ALL, "val_interval": {"release_year": ["1995"]}, **FILTERED},
    "unload_col": {"load_col": None, "unload_col": {"item": ["class"], "user": ["zip_code"]}},
    "known users and items": {"load_col": ALL, "filter_inter_by_user_or_item": True, **CORE},
    "seq_len": {"load_col": ALL, "seq_len": {"movie_title": 2, "class": 9}},
    "threshold": {"load_col": ALL, "threshold": {"rating": 4}},
    "normalised": {"load_col": ALL, "normalize_all": True},
    "columns that share ids": {"load_col": ALL, "alias_of_item_id": ["release_year"]},
    "embedded numbers": {
        "load_col": ALL,
        "numerical_features": ["rating"],
        "discretization": {"rating": {"method": "ED", "bucket": 4}},
    },
}


@pytest.mark.parametrize("keys", ML_100K.values(), ids=list(ML_100K))
def test_ml_100k(keys: dict[str, Any]) -> None:
    assert_same(*both("ml-100k", **keys))


COLUMNS = ("user_id:token", "item_id:token", "previous:token", "basket:token_seq",
           "weights:float_seq", "timestamp:float")  # fmt: skip


def write_odd(folder: Path, encoding: str = "utf-8", end: str = "\n") -> None:
    """A data set with every type of column, gaps in features, and ids of several columns."""
    rng = np.random.default_rng(5)
    rows = ["\t".join(COLUMNS)]
    for row in range(400):
        user, item, previous = rng.integers(12), rng.integers(30), rng.integers(40)
        basket = " ".join(f"ï{i}" for i in rng.integers(50, size=rng.integers(4)))
        weights = " ".join(f"{w:.3g}" for w in rng.normal(size=rng.integers(1, 4)))
        seen = "" if row % 7 == 0 else "NA" if row % 11 == 0 else f"ï{previous}"
        rows.append(f"u{user}\tï{item}\t{seen}\t{basket}\t{weights}\t{1.7e9 + row / 128!r}")
    items = ["item_id:token\tprice:float\ttitle:token_seq\tbrand:token\tvector:float_seq"]
    for item in range(5, 45):
        price = "" if item % 5 == 0 else f"{item / 7}"
        title = f'"A ""quoted"" {item}"' if item % 3 else f'The "{item}" of it'
        items.append(f"ï{item}\t{price}\t{title}\t{['x', 'null', 'y'][item % 3]}\t0.5 {item}")
    vectors = ["ent_id:token\tent_vector:float_seq", "ï7\t1 2", "ï99\t", "\t0.5 1 2", "ï7\t3"]
    (folder / "odd").mkdir()
    for suffix, lines in (("inter", rows), ("item", items), ("ent", vectors)):
        text = end.join([*lines, ""])
        (folder / "odd" / f"odd.{suffix}").write_bytes(text.encode(encoding))


ODD = {
    "as it is": {},
    "shared ids": {"alias_of_item_id": ["previous"]},
    "shared ids in sequences": {"alias_of_item_id": ["previous", "basket"]},
    "shared, filtered": {"alias_of_item_id": ["previous"], "item_inter_num_interval": "[13,inf)"},
    "vectors": {
        "additional_feat_suffix": ["ent"],
        "alias_of_item_id": ["ent_id"],
        "preload_weight": {"ent_id": "ent_vector"},
    },
    "cut": {"seq_len": {"basket": 2, "weights": 1}},
    "first of repeated": {"rm_dup_inter": "first"},
    "last of repeated": {"rm_dup_inter": "last"},
    "values of items": {"val_interval": {"price": "[3,5)"}, **FILTERED},
    "known items": {"filter_inter_by_user_or_item": True},
    "not": {"filter_inter_by_user_or_item": False},
}


@pytest.mark.parametrize("keys", ODD.values(), ids=list(ODD))
def test_odd_columns(tmp_path: Path, keys: dict[str, Any]) -> None:
    write_odd(tmp_path)
    assert_same(*both("odd", data_path=str(tmp_path), load_col=None, **keys))


@pytest.mark.parametrize(
    ("encoding", "end"), [("latin-1", "\n"), ("utf-8", "\r\n"), ("utf-8", "\n\n")]
)
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    write_odd(tmp_path, encoding=encoding, end=end)
    stock, ours = both("odd", data_path=str(tmp_path), load_col=None, encoding=encoding)
    assert_same(stock, ours)
    assert "ï24" in ours.field2token_id["item_id"]
