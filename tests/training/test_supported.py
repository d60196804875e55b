"""What the trainer cannot train is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small import write_atomic

from recbole_ext.errors import ConfigError
from recbole_ext.runner import run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def test_pointwise_models_need_labels(settings: Settings) -> None:
    """RecBole would end in a KeyError, after the run folder has been made."""
    keys = settings(own=False, epochs=1, train_neg_sample_args=None)
    for model in ("DIN", "NeuMF", "FM"):
        with pytest.raises(
            ConfigError, match=f"{model} learns from labels: of negatives, of thres"
        ):
            run(model, "ring", config_dict=keys)
    assert not Path(keys["checkpoint_dir"]).exists()
    run("SASRec", "ring", config_dict=keys)


ITEM_COLUMNS = "item_id:token\tclass:token\ttags:token_seq\tprice:float\tshape:float_seq"


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A data_path with the data set ``shop``, whose items have columns of each type."""
    rows = [(f"u{n % 9}", f"i{n * n % 7}", float(n)) for n in range(90)]
    path = write_atomic(tmp_path / "described", "shop", rows)
    lines = [f"i{n}\tc{n % 3}\tt{n} t{n % 2}\t{n}.5\t{n}.0 1.0 {n}.5" for n in range(7)]
    (path / "shop" / "shop.item").write_text("\n".join([ITEM_COLUMNS, *lines, ""]))
    return path


@pytest.mark.parametrize(
    ("model", "columns", "numbers", "line"),
    [
        ("SASRecF", ["clas"], [], ": no column 'clas' loaded from shop.item; there are item_id, "
         "class, tags, price, shape; did you mean 'class'?"),
        ("FDSA", ["price", "tags"], [], " has the column 'price' of numbers, which is read only "
         "beside numerical_features: [price]"),
        ("GRU4RecF", ["shape"], ["price"], " has the column 'shape' of numbers, which is read only "
         "beside numerical_features: [price, shape]"),
        ("SASRecF", ["class", "shape"], ["shape"], " has the column 'shape', a list of numbers an "
         "item, which SASRecF cannot read; leave it out"),
        ("SASRecF", ["class", "tags", "price"], ["price"], None),
        ("GRU4RecF", ["shape"], ["shape"], None),
        ("FDSA", ["tags", "shape"], ["shape"], None),
    ],
    ids=str,
)  # fmt: skip
def test_columns_that_a_feature_model_cannot_read(
    model: str,
    columns: list[str],
    numbers: list[str],
    line: str | None,
    described: Path,
    settings: Settings,
) -> None:
    """RecBole would end in a traceback about shapes, or leave the column out without a word."""
    chosen = {"selected_features": columns, "numerical_features": numbers, "load_col": None}
    keys = settings(own=False, epochs=1, data_path=str(described), **chosen)
    if line is None:
        run(model, "shop", config_dict=keys)
        return
    with pytest.raises(ConfigError) as error:
        run(model, "shop", config_dict=keys)
    assert str(error.value) == f"selected_features (from config_dict){line}"
    assert not Path(keys["checkpoint_dir"]).exists()
