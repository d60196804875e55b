"""Codes of items: from the training part alone, by seed, and what the quantisers do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from recbole.data import create_dataset, data_preparation

from recbole_ext.config import ExtConfig
from recbole_ext.data.attribute_codes import attribute_codes
from recbole_ext.data.item_codes import item_codes, random_codes
from recbole_ext.data.item_columns import ItemColumn
from recbole_ext.data.item_svd import item_vectors
from recbole_ext.data.loading import load_data
from recbole_ext.data.quantisation import product_codes, residual_codes
from recbole_ext.data.row_numbers import row_numbers
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.training_interactions import training_interactions

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
SMALL = {"n_codes": 2, "codebook_size": 6}
QUANTISERS = pytest.mark.parametrize("quantise", [residual_codes, product_codes])


def tokenized(settings: Settings, **changes: Any) -> ExtConfig:
    return ExtConfig("TokenizedSASRec", "ring", config_dict=settings(**SMALL, **changes))


@pytest.mark.parametrize("kind", ["rq", "pq"])
def test_held_out_items_have_no_part_in_codes(kind: str, settings: Settings) -> None:
    """Whatever users took last, the codes stay; what they took before changes them."""
    config = tokenized(settings, codes=kind)
    dataset = load_data(config)
    store, split = dataset.store, leave_one_out(dataset.store)
    before = item_codes(config, dataset).values
    late = np.concatenate([split.valid[split.valid >= 0], split.test[split.test >= 0]])
    for places, changes in ((late, False), (store.offsets[1:-1:2], True)):
        items = store.items.copy()
        items[places] = np.random.default_rng(0).permutation(items[places])
        assert (items != store.items).any()
        dataset.store = replace(store, items=items)
        assert torch.equal(item_codes(config, dataset).values, before) is not changes


def test_the_same_pairs_from_recboles_own_loaders(settings: Settings) -> None:
    """Its training part: by user and item, each as often."""
    config = tokenized(settings, train_objective="last_position", split_protocol="recbole")
    ours = training_interactions(config, load_data(config))[:2]
    train, _, _ = data_preparation(config, create_dataset(config))
    theirs = training_interactions(config, train._dataset)[:2]
    assert len(ours[0]) > 500
    for pairs in zip(ours, theirs, strict=True):
        assert len(pairs[0]) == len(pairs[1])
    assert sorted(zip(*ours, strict=True)) == sorted(zip(*theirs, strict=True))


@pytest.mark.parametrize("kind", ["rq", "pq", "random"])
def test_a_seed_fixes_the_codes_and_leaves_torchs_and_numpys_numbers_alone(
    kind: str, settings: Settings
) -> None:
    found, drawn = [], []
    for seed in (1, 1, 2):
        config = tokenized(settings, codes=kind, seed=seed)
        dataset = load_data(config)
        torch.manual_seed(0)
        np.random.seed(0)
        found.append(item_codes(config, dataset).values)
        drawn.append((torch.rand(()).item(), np.random.rand()))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert len(set(drawn)) == 1


def test_codes_have_the_shape_asked_for(settings: Settings) -> None:
    config = tokenized(settings)
    found = item_codes(config, load_data(config))
    assert (found.values.shape, found.values.dtype, found.size) == ((31, 2), torch.uint8, 6)
    assert int(found.values.max()) <= 5
    assert not found.values[0].any()
    assert found.distinct == len({tuple(row) for row in found.values[1:].tolist()}) > 20


def test_item_vectors_keep_the_cosines_of_items() -> None:
    """At full rank: V Σ (V Σ)ᵀ is the matrix of cosines; its diagonal is 1, so lengths are too."""
    users = np.array([1, 1, 2, 2, 2, 3, 3, 3])
    items = np.array([1, 2, 1, 2, 3, 3, 3, 4])  # user 3 took item 3 twice: it counts once
    vectors = item_vectors(users, items, 6, 8, seed=0)
    taken = [set(users[items == item]) for item in range(6)]
    for i in range(6):
        for j in range(6):
            size = (len(taken[i]) * len(taken[j])) ** 0.5
            cosine = len(taken[i] & taken[j]) / size if size else 0.0
            assert vectors[i] @ vectors[j] == pytest.approx(cosine, abs=1e-5)
    assert not vectors[0].any() and not vectors[5].any() and not vectors[:, 4:].any()


@QUANTISERS
def test_separate_clusters_are_found(quantise: Any) -> None:
    """16 tight clusters on a 4 x 4 grid are two codes of four, whatever the seed."""
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), -1).reshape(-1, 2) * [100.0, 1.0]
    vectors = np.repeat(grid, 3, axis=0).astype(np.float32)
    codes = quantise(vectors, 2, 4, 0)[::3]
    first = codes[:, 0].reshape(4, 4)
    assert (first == first[0]).all() and len(set(first[0].tolist())) == 4


@QUANTISERS
def test_items_are_told_apart_by_the_last_level(quantise: Any) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    vectors[50:70] = vectors[50]  # twenty that nothing tells apart
    codes = quantise(vectors, 2, 32, 0)
    assert len(np.unique(codes, axis=0)) == 200
    crowd = codes[50:70]
    assert len(set(crowd[:, 0].tolist())) == 1 and len(set(crowd[:, 1].tolist())) == 20


@QUANTISERS
def test_more_equal_items_than_codes_share_them(quantise: Any) -> None:
    codes = quantise(np.ones((9, 4), np.float32), 2, 4, 0)
    assert len(np.unique(codes, axis=0)) == 4


def test_more_levels_leave_less(settings: Settings) -> None:
    """What a residual quantiser has not said of the vectors, as the mean of its cells tells it."""
    vectors = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    left = []
    for levels in (1, 2, 3):
        cells = row_numbers(residual_codes(vectors, levels + 1, 8, 0)[:, :-1])
        means = np.stack([vectors[cells == cell].mean(0) for cell in range(cells.max() + 1)])
        left.append(((vectors - means[cells]) ** 2).mean())
    assert left[0] > 1.5 * left[1] > 1.5 * left[2]


def test_random_codes_are_even() -> None:
    codes = random_codes(40_001, 3, 4, 0)
    share = np.stack([np.bincount(level, minlength=4) for level in codes.T]) / 40_001
    assert np.abs(share - 0.25).max() < 0.01  # 4.6 standard errors


def test_attributes_by_hand() -> None:
    genres = ItemColumn("genre", torch.tensor([[0, 0], [3, 1], [1, 3], [3, 0], [0, 0]]), 4)
    makers = ItemColumn("maker", torch.tensor([[0], [5], [2], [5], [2]]), 6)
    years = ItemColumn("year", torch.tensor([[0.0], [-1.0], [1.0], [-2.0], [2.0]]), None)
    codes = attribute_codes([genres, makers, years], n_bins=2)
    assert codes[1, 0] == codes[2, 0]  # a set has no order
    assert len({int(codes[item, 0]) for item in (1, 3, 4)}) == 3
    assert codes[1, 1] == codes[3, 1] != codes[2, 1] == codes[4, 1]
    assert codes[1, 2] == codes[3, 2] != codes[2, 2] == codes[4, 2]
    assert codes.min() == 0


def test_equal_rows_have_equal_numbers() -> None:
    rows = np.array([[2, 9], [0, 1], [2, 9], [1, 0], [0, 1]])
    numbers = row_numbers(rows)
    assert numbers[0] == numbers[2] and numbers[1] == numbers[4]
    assert sorted(set(numbers.tolist())) == [0, 1, 2]
    wide = np.random.default_rng(0).integers(1000, size=(500, 9))  # 1000^9 numbers no int64 holds
    wide[250:] = wide[:250]
    assert (row_numbers(wide)[:250] == row_numbers(wide)[250:]).all()
    assert row_numbers(wide).max() == 249
