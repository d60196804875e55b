"""What a data set keeps, and what it tells apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.ingestion import write
from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.errors import DataError

pytestmark = pytest.mark.usefixtures("quiet_place")


def data_set(folder: Path, lines: list[str], **keys: Any) -> Any:
    (folder / "d").mkdir(exist_ok=True)
    header = "timestamp:float\tuser_id:token\titem_id:token"
    (folder / "d" / "d.inter").write_text("\n".join([header, *lines, ""]))
    return load_data(ExtConfig("FPARec", "d", config_dict={"data_path": str(folder), **keys}))


LINES = [f"{1_700_000_000 + n / 128}\tu{n % 7}\ti{n % 5}" for n in range(70)]


def test_interactions_are_put_together_only_when_asked_for(tmp_path: Path) -> None:
    flat = data_set(tmp_path, LINES)
    loaders = build_loaders(flat.config, flat, own_model=True)
    assert sum(len(batch) for batch in loaders.train) == 7
    assert flat._inter_feat is None
    table = flat.inter_feat
    assert table is flat.inter_feat
    assert list(table) == ["timestamp", "user_id", "item_id"]
    assert table["user_id"].tolist() == [user for user in range(1, 8) for _ in range(10)]
    assert table["item_id"].tolist() == flat.store.items.tolist()
    assert [table[name].dtype for name in table] == [torch.float32, torch.int64, torch.int64]
    assert len(flat) == flat.inter_num == 70


def test_a_copy_has_its_own_interactions(tmp_path: Path) -> None:
    flat = data_set(tmp_path, LINES)
    part = flat.interactions_at(np.array([3, 14]))
    assert (len(part), len(flat)) == (2, 70)
    assert part.inter_feat["user_id"].tolist() == [1, 2]


def test_the_digest_knows_tokens(tmp_path: Path) -> None:
    flat = data_set(tmp_path, LINES)
    renamed = [line.replace("\ti1", "\tx").replace("\ti2", "\ti1").replace("\tx", "\ti2")
               for line in LINES]  # fmt: skip
    assert renamed != LINES
    other = data_set(tmp_path, renamed)
    assert other.store.sha256() == flat.store.sha256()
    assert other.sha256() != flat.sha256()
    assert data_set(tmp_path, LINES).sha256() == flat.sha256()


def test_nothing_left_after_filtering(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        data_set(tmp_path, LINES, user_inter_num_interval="[11,inf)")
    assert str(error.value) == (
        "d: nothing is left of its inter file after filtering; see user_inter_num_interval, "
        "item_inter_num_interval and val_interval"
    )


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="RecBole cannot use these data: no column 'asin'"):
        data_set(tmp_path, LINES, alias_of_item_id=["asin"])


def test_synthetic_interactions(tmp_path: Path) -> None:
    """The benchmark's file is what it says, every user and item among it."""
    write(tmp_path / "s" / "s.inter", 5_000, users=300, items=200)
    flat = load_data(ExtConfig("FPARec", "s", config_dict={"data_path": str(tmp_path)}))
    assert (flat.user_num, flat.item_num, len(flat.store.items)) == (301, 201, 5_000)
    counts = np.sort(np.bincount(flat.store.items)[1:])
    assert counts[-1] > 10 * counts[100]  # Zipf: the first item against the median one


def test_a_column_that_is_loaded_for_a_filter_alone(tmp_path: Path) -> None:
    """``unused_col``: it has chosen the rows, and no model sees it."""
    (tmp_path / "d").mkdir()
    users = "\n".join(f"u{n}\t{20 + n}" for n in range(7))
    (tmp_path / "d" / "d.user").write_text(f"user_id:token\tage:float\n{users}\n")
    inter = ["user_id", "item_id", "timestamp"]
    keys: dict[str, Any] = {
        "load_col": {"inter": inter, "user": ["user_id", "age"]},
        "val_interval": {"age": "[22,inf)"},
        "filter_inter_by_user_or_item": True,
    }
    assert list(data_set(tmp_path, LINES, **keys).user_feat) == ["user_id", "age"]
    flat = data_set(tmp_path, LINES, **keys, unused_col={"user": ["age"]})
    assert list(flat.user_feat) == ["user_id"]
    assert "age" not in flat.field2type
    assert flat.user_num == 6, "five of age 22 and above, and PAD"
    with pytest.raises(
        DataError, match=r"no column 'aeg' of d\.user was loaded; did you mean 'age'"
    ):
        data_set(tmp_path, LINES, **keys, unused_col={"user": ["aeg"]})


def test_interactions_of_dropped_users_go_with_them(tmp_path: Path) -> None:
    """Without filter_inter_by_user_or_item: those that nothing is told about stay."""
    (tmp_path / "d").mkdir()
    users = "\n".join(f"u{n}\t{20 + n}\t{'FM'[n % 2]}" for n in range(6))
    (tmp_path / "d" / "d.user").write_text(f"user_id:token\tage:float\tsex:token\n{users}\n")
    load = {"inter": ["user_id", "item_id", "timestamp"], "user": ["user_id", "age", "sex"]}
    every = {f"u{n}" for n in range(7)}

    def left(**allowed: Any) -> set[str]:
        flat = data_set(tmp_path, LINES, load_col=load, val_interval=allowed)
        return set(flat.field2token_id["user_id"]) - {"[PAD]"}

    assert left(age="[0,inf)") == every
    assert left(age="[22,inf)") == every - {"u0", "u1"}
    assert left(sex=["F"]) == {"u0", "u2", "u4", "u6"}
    assert left(sex=["F"], age="(20,23]") == {"u2", "u6"}
    with pytest.raises(DataError, match=r"sex: '\[1,2\]': sex is a token column of d, which takes"):
        left(sex="[1,2]")
    with pytest.raises(
        DataError, match=r"age is a float column of d, which takes an interval such"
    ):
        left(age=["F"])
