"""Columns of the .item file by item id: missing values, standardised numbers, the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.data import create_dataset, data_preparation

from recbole_ext.config import ExtConfig
from recbole_ext.data.item_columns import item_columns, standardised
from recbole_ext.data.loading import load_data
from recbole_ext.errors import DataError
from tests.conftest import write_atomic

pytestmark = pytest.mark.usefixtures("quiet_place")

ROWS = [
    (user, f"i{(start + step) % 4}", 100.0 * step) for user, start in (("a", 0), ("b", 1), ("c", 2))
    for step in range(4)
]  # fmt: skip
HEADER = "item_id:token\tgenre:token_seq\tstudio:token\tprice:float\tlook:float_seq\tnone:token"
ITEMS = [
    "i0\tred blue\tone\t10\t1 2\t",
    "i1\t\ttwo\t\t3 2\t",
    "i2\tblue\t\t30\t\t",
    "i9\tgreen\tthree\t1000\t9 9\t",  # nobody has taken it
]  # i3 is not described
FEATURES = ["genre", "studio", "price", "look"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = write_atomic(tmp_path / "data", "store", ROWS)
    (path / "store" / "store.item").write_text("\n".join([HEADER, *ITEMS]) + "\n")
    return path


def config(store: Path, **changes: Any) -> ExtConfig:
    chosen = {"data_path": str(store), "use_gpu": False, "item_features": FEATURES, **changes}
    return ExtConfig("FPARec", "store", config_dict=chosen)


def by_token(dataset: Any, name: str) -> dict[str, list[Any]]:
    (column,) = item_columns(dataset, [name])
    tokens = dataset.field2id_token["item_id"]
    rows = dict(zip(tokens, column.values.tolist(), strict=True))
    assert not any(rows.pop("[PAD]"))
    if column.n_values is None:
        return rows
    names = dataset.field2id_token[name]
    assert column.n_values == len(names)
    return {token: [str(names[value]) for value in row if value] for token, row in rows.items()}


def test_each_type_by_item(store: Path) -> None:
    dataset = load_data(config(store))
    assert by_token(dataset, "genre") == {"i0": ["red", "blue"], "i1": [], "i2": ["blue"], "i3": []}
    assert by_token(dataset, "studio") == {"i0": ["one"], "i1": ["two"], "i2": [], "i3": []}
    assert by_token(dataset, "price") == {"i0": [-1.0], "i1": [0.0], "i2": [1.0], "i3": [0.0]}
    # Over i0 and i1, which have a list: 1 and 3, then 2 and 2.
    look = {"i0": [-1.0, 0.0], "i1": [1.0, 0.0], "i2": [0.0, 0.0], "i3": [0.0, 0.0]}
    assert by_token(dataset, "look") == look


def test_items_that_are_only_described_stay_out_of_the_catalogue(store: Path) -> None:
    with_features, without = load_data(config(store)), load_data(config(store, item_features=None))
    assert with_features.item_num == without.item_num == 5
    assert with_features.sha256() == without.sha256()
    assert "green" not in with_features.field2token_id["genre"]


READ = {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id", "genre"]}


def test_an_item_that_nothing_is_told_about_stays(store: Path) -> None:
    """Whether the file is read for item_features, by load_col, or not at all: 12 interactions."""
    for changes in ({}, {"item_features": None}, {"item_features": None, "load_col": READ}):
        assert len(load_data(config(store, **changes)).store.items) == 12
    chosen = {"data_path": str(store), "use_gpu": False, "load_col": READ}
    assert len(load_data(ExtConfig("SASRec", "store", config_dict=chosen)).store.items) == 12


@pytest.mark.parametrize("features", [None, ["genre"]], ids=str)
def test_an_item_that_nothing_is_told_about_is_dropped_where_asked(
    store: Path, features: list[str] | None
) -> None:
    wish = {"filter_inter_by_user_or_item": True, "load_col": READ, "item_features": features}
    dataset = load_data(config(store, **wish))
    taken = {dataset.field2id_token["item_id"][item] for item in dataset.store.items}
    assert (taken, len(dataset.store.items)) == ({"i0", "i1", "i2"}, 9)


def test_recboles_own_data_set_gives_the_same_columns(store: Path) -> None:
    text = (store / "store" / "store.item").read_text().replace(ITEMS[3] + "\n", "")
    (store / "store" / "store.item").write_text(text)
    chosen = config(store, split_protocol="recbole")
    theirs, ours = data_preparation(chosen, create_dataset(chosen))[0].dataset, load_data(chosen)
    for name in FEATURES:
        assert by_token(theirs, name) == by_token(ours, name)


def test_load_col_follows(store: Path) -> None:
    def loads(**changes: Any) -> Any:
        return config(store, **changes)["load_col"]

    inter = ["user_id", "item_id", "timestamp"]
    assert loads(item_features=["genre"]) == {"inter": inter, "item": ["item_id", "genre"]}
    assert loads(item_features=None) == {"inter": inter}
    chosen = {"inter": inter, "item": ["item_id", "price"]}
    assert loads(load_col=chosen, item_features=["genre", "price"])["item"] == [
        "item_id", "price", "genre",
    ]  # fmt: skip
    assert loads(load_col={"inter": inter, "item": "*"})["item"] == "*"
    assert loads(load_col=None) is None
    again = config(store)
    assert (
        ExtConfig("FPARec", "store", config_dict=again.resolved())["load_col"]
        == (again["load_col"])
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"item_features": ["genres"]},
            "store.item, line 1: no column 'genres' (item_features); there are genre, studio, "
            "price, look, none; did you mean 'genre'?",
        ),
        (
            {"load_col": None, "unload_col": {"item": ["price"]}},
            "item_features: no column 'price' loaded from store.item; there are genre, studio, "
            "look, none",
        ),
        (
            {"item_features": ["none"]},
            "item_features: column 'none' of store.item does not have a value for the items of the "
            "interactions",
        ),
    ],
)
def test_a_column_that_cannot_serve(store: Path, changes: dict[str, Any], message: str) -> None:
    chosen = config(store, **changes)
    with pytest.raises(DataError) as error:
        item_columns(load_data(chosen), chosen["item_features"])
    assert str(error.value).endswith(message)


def test_recbole_loads_no_absent_column_and_that_is_told_too(store: Path) -> None:
    chosen = config(store, item_features=["genre", "genres"])
    dataset = data_preparation(chosen, create_dataset(chosen))[0].dataset
    with pytest.raises(DataError) as error:
        item_columns(dataset, ["genres"])
    assert str(error.value) == (
        "item_features: no column 'genres' loaded from store.item; there are genre; did you mean "
        "'genre'?"
    )


def test_no_item_file(tmp_path: Path) -> None:
    path = write_atomic(tmp_path / "data", "store", ROWS)
    with pytest.raises(DataError, match=r"store\.item is missing; load_col asks for genre"):
        load_data(config(path, item_features=["genre"]))


def test_a_file_that_describes_other_items(store: Path) -> None:
    (store / "store" / "store.item").write_text("item_id:token\tgenre:token\nx\tred\n")
    with pytest.raises(DataError, match="describes none of the items taken"):
        load_data(config(store, item_features=["genre"]))


def test_standardised_numbers_are_those_of_numpy() -> None:
    known = np.random.default_rng(0).normal(1990.0, 12.0, 50).astype(np.float32)
    mean = float(known.astype(np.float64).mean())
    filled = torch.tensor([mean, *known, mean, mean]).unsqueeze(1)  # PAD first, two missing
    found = standardised(filled, filled[:1]).squeeze(1)
    expected = (known - known.mean(dtype=np.float64)) / known.std(dtype=np.float64)
    np.testing.assert_allclose(found[1:-2].numpy(), expected, atol=1e-5)
    assert found[[0, -2, -1]].tolist() == [0.0, 0.0, 0.0]


def test_equal_and_missing_numbers_become_zeros() -> None:
    for value in (0.1, 7.0, float("nan")):
        column = torch.full((5, 1), value)
        assert not standardised(column, column[:1]).any()
        nearly = column.clone()
        nearly[0] += 1e-8  # a mean that has been rounded
        assert not standardised(nearly, nearly[:1]).any()
