"""The data set turned round: training interactions only, in time order, under every loader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recbole.data import create_dataset, data_preparation

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders, split_of
from recbole_ext.data.loading import load_data
from recbole_ext.data.transposed import item_sequences, newest_items
from recbole_ext.errors import ConfigError
from tests.conftest import SMALL, cycling_rows, write_atomic

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
NOW = 1_700_000_000.0
# Seconds apart, which RecBole's float32 times cannot tell; d trains alone.
SHOP = (
    ("ann", "a", NOW + 9), ("ann", "b", NOW + 11), ("ann", "c", NOW + 12), ("ann", "d", NOW + 13),
    ("bob", "b", NOW + 10), ("bob", "a", NOW + 8), ("bob", "e", NOW + 20), ("bob", "c", NOW + 21),
    ("cid", "a", NOW + 1), ("cid", "d", NOW + 2),
)  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> dict[str, Any]:
    return {**SMALL, "data_path": str(write_atomic(tmp_path / "data", "shop", SHOP))}


def by_token(dataset: Any, sequences: Any, of: str, members: str) -> dict[str, str]:
    """Token -> the tokens of its sequence."""
    of_tokens, names = (dataset.field2id_token[field] for field in (of, members))
    return {
        str(of_tokens[i]): " ".join(names[sequences.sequence(i)]) for i in range(1, len(of_tokens))
    }


def test_users_of_items_by_hand(shop: dict[str, Any]) -> None:
    """Ann trains on a b, bob on a b, cid, who is too short to be tested, on a d."""
    config = ExtConfig("DualSASRec", "shop", config_dict=shop)
    dataset = load_data(config)
    found = by_token(dataset, item_sequences(config, dataset), "item_id", "user_id")
    assert found == {"a": "cid bob ann", "b": "bob ann", "c": "", "d": "cid", "e": ""}


def test_newest_items_of_users_by_hand(shop: dict[str, Any]) -> None:
    config = ExtConfig("DualSASRec", "shop", config_dict=shop)
    dataset = load_data(config)
    newest = dataset.field2id_token["item_id"][newest_items(config, dataset)]
    by_user = dict(zip(dataset.field2id_token["user_id"], newest, strict=True))
    assert by_user == {"[PAD]": "[PAD]", "ann": "b", "bob": "b", "cid": "d"}


@pytest.mark.parametrize("protocol", ["paper", "recbole"])
@pytest.mark.parametrize("holdout", [1, 3])
def test_against_counting(protocol: str, holdout: int, settings: Settings) -> None:
    chosen = settings(split_protocol=protocol, holdout=holdout)
    config = ExtConfig("DualSASRec", "ring", config_dict=chosen)
    dataset = load_data(config)
    split, store = split_of(config, dataset), dataset.store
    wanted: dict[int, list[tuple[float, int]]] = {}
    for user in range(1, store.n_users):
        for place in range(store.offsets[user], split.train_end[user]):
            wanted.setdefault(int(store.items[place]), []).append((dataset.times[place], user))
    found = item_sequences(config, dataset)
    assert (found.n_users, found.n_items) == (store.n_items, store.n_users)
    for item in range(store.n_items):
        assert found.sequence(item).tolist() == [user for _, user in sorted(wanted.get(item, []))]


def test_times_are_exact(settings: Settings) -> None:
    dataset = load_data(ExtConfig("FPARec", "ring", config_dict=settings()))
    times = {(user, item): [] for user, item, _ in cycling_rows()}
    for user, item, time in sorted(cycling_rows(), key=lambda row: row[2]):
        times[user, item].append(time)
    users = np.repeat(np.arange(dataset.store.n_users), dataset.store.lengths)
    names = [dataset.field2id_token[field] for field in ("user_id", "item_id")]
    tokens = [column[ids] for column, ids in zip(names, (users, dataset.store.items), strict=True)]
    pairs = zip(*tokens, strict=True)
    assert [times[pair].pop(0) for pair in pairs] == dataset.times.tolist()


def test_recboles_own_data_set_gives_the_same_sequences(settings: Settings) -> None:
    chosen = settings(split_protocol="recbole")
    config = ExtConfig("DualSASRec", "ring", config_dict=chosen)
    theirs = data_preparation(config, create_dataset(config))[0].dataset
    ours = load_data(config)
    one, other = (
        by_token(dataset, item_sequences(config, dataset), "item_id", "user_id")
        for dataset in (ours, theirs)
    )
    assert {item: sorted(users.split()) for item, users in one.items()} == {
        item: sorted(users.split()) for item, users in other.items()
    }
    trained = (split_of(config, ours).train_end - ours.store.offsets[:-1]).sum()
    assert sum(len(users.split()) for users in one.values()) == trained


def test_next_user_by_hand(shop: dict[str, Any]) -> None:
    """Of a's users cid and bob may train and ann is tested: three of the training part are left."""
    config = ExtConfig("SASRec", "shop", config_dict={**shop, "task": "next_user"})
    dataset = load_data(config)
    found = by_token(dataset, dataset.store, "user_id", "item_id")
    assert found == {"a": "cid bob ann", "b": "bob ann", "c": "", "d": "cid", "e": ""}
    assert (dataset.user_num, dataset.item_num) == (6, 4)
    assert dataset.field2token_id["item_id"]["ann"] in (1, 2, 3)
    split = split_of(config, dataset)
    tested = dataset.store.items[split.test[split.test >= 0]]
    assert dataset.field2id_token["item_id"][tested].tolist() == ["ann"]


def test_next_user_with_columns_for_filters_alone(shop: dict[str, Any]) -> None:
    lines = ["item_id:token\tprice:float", *(f"{item}\t{n}" for n, item in enumerate("abcde"))]
    Path(shop["data_path"], "shop", "shop.item").write_text("\n".join(lines) + "\n")
    columns = {
        "load_col": {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id", "price"]},
        "unused_col": {"item": ["price"]},
        "val_interval": {"price": "[0,3]"},
    }
    config = ExtConfig("SASRec", "shop", config_dict={**shop, **columns, "task": "next_user"})
    assert set(load_data(config).field2token_id["user_id"]) <= {"[PAD]", *"abcd"}


@pytest.mark.parametrize("protocol", ["paper", "recbole"])
@pytest.mark.parametrize("holdout", [1, 2])
def test_next_user_leaves_out_what_next_item_holds_out(
    protocol: str, holdout: int, settings: Settings
) -> None:
    chosen = settings(split_protocol=protocol, holdout=holdout)
    straight = load_data(ExtConfig("FPARec", "ring", config_dict=chosen))
    config = ExtConfig("FPARec", "ring", config_dict={**chosen, "task": "next_user"})
    turned = load_data(config)
    training = item_sequences(config, straight)
    assert by_token(turned, turned.store, "user_id", "item_id") == by_token(
        straight, training, "item_id", "user_id"
    )
    assert (
        turned.inter_feat["user_id"].tolist() == np.repeat(np.arange(31), training.lengths).tolist()
    )
    assert turned.sha256() != straight.sha256()


def test_the_histories_of_next_user_are_earlier_users(settings: Settings) -> None:
    """Evaluation batches: the target is a user, and the history its item's users before."""
    config = ExtConfig("FPARec", "ring", config_dict=settings(task="next_user"))
    turned = load_data(config)
    for batch in build_loaders(config, turned, own_model=True).test:
        for row, target in enumerate(batch.targets.tolist()):
            item = int(batch.interaction["user_id"][row])
            users = turned.store.sequence(item).tolist()
            length = int(batch.interaction["item_length"][row])
            assert target == users[-1]
            history = batch.interaction["item_id_list"][row, :length].tolist()
            assert history == users[-1 - length : -1]


@pytest.mark.parametrize(
    ("model", "keys", "message"),
    [
        ("FPARec", {"task": "next_thing"}, "must be one of next_item, next_user"),
        ("BPR", {"task": "next_user"}, "is for sequential models, which BPR is not"),
        (
            "FPARec",
            {"task": "next_user", "item_features": ["genre"]},
            "item_features: ['genre'] (from config_dict) describes what task: 'next_user'",
        ),
    ],
)
def test_refused(model: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        ExtConfig(model, "shop", config_dict=keys)
    assert message in str(error.value)
