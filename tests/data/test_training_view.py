"""A model finds nothing in its data set that is held out, however it looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.data.split import in_training
from recbole_ext.registry import get_model_class
from recbole_ext.runner import run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def seen_by(model: str, settings: dict[str, Any]) -> Any:
    """The data set that a model is built with."""
    given = []

    def look(self: Any, config: Any, dataset: Any) -> None:
        given.append(dataset)
        base.__init__(self, config, dataset)

    base = get_model_class(model)
    run(type("Looking", (base,), {"__init__": look}), "ring", config_dict=settings)
    return given[0]


@pytest.mark.parametrize("model", ["VanillaAR", "SASRec"])
def test_what_a_model_can_look_at(model: str, settings: Settings) -> None:
    keys = settings(own=model == "VanillaAR", epochs=1, use_gpu=False)
    flat = load_data(ExtConfig(model, "ring", config_dict=keys))
    dataset, store = seen_by(model, keys), flat.store
    user, item = flat.uid_field, flat.iid_field
    held_out = 2
    ends = store.offsets[1:] - held_out * (store.lengths > 0)
    training = in_training(store, ends)
    owners, items = store.owners[training], store.items[training]
    assert (
        dataset.inter_num
        == len(dataset.inter_feat)
        == len(items)
        == len(store.items) - 2 * (store.n_users - 1)
    )
    assert dataset.inter_feat[item].tolist() == items.tolist()
    assert dataset.item_counter == Counter(items.tolist())
    assert dataset.user_counter == Counter(owners.tolist())
    taken = np.zeros((store.n_users, store.n_items))
    np.add.at(taken, (owners, items), 1)
    np.testing.assert_array_equal(dataset.inter_matrix("csr").toarray(), taken)
    histories, _, lengths = dataset.history_item_matrix()
    for one in range(1, store.n_users):
        assert sorted(histories[one, : lengths[one]].tolist()) == sorted(items[owners == one])
    assert flat.inter_num == len(store.items), "the whole data set is what it was"
    assert flat.inter_feat[user].tolist() == store.owners.tolist()


@pytest.mark.parametrize("model", ["BPR", "GRU4Rec"])
def test_popular_negatives_are_drawn_from_training(model: str, settings: Settings) -> None:
    """RecBole draws them from all interactions, those of the test among them."""
    negatives = {"distribution": "popularity", "sample_num": 1}
    loss = {} if model == "BPR" else {"loss_type": "BPR"}
    keys = settings(own=False, train_neg_sample_args=negatives, use_gpu=False, **loss)
    config = ExtConfig(model, "ring", config_dict=keys)
    flat = load_data(config)
    loaders = build_loaders(config, flat, own_model=False)
    training = in_training(flat.store, loaders.split.train_end)
    candidates = Counter(map(int, loaders.train._sampler._get_candidates_list()))
    counted = Counter(flat.store.items[training].tolist())
    assert {item: n / candidates.total() for item, n in candidates.items()} == pytest.approx(
        {item: n / counted.total() for item, n in counted.items()}
    )
