"""How often each item is a training target: our data set, RecBole's, and a loop over sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from recbole.data import create_dataset, data_preparation

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.data.popularity import expected_targets, target_counts

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def configured(settings: Settings, **changes: Any) -> ExtConfig:
    return ExtConfig("FPARec", "ring", config_dict=settings(**changes))


def by_loop(config: ExtConfig, cloze: bool, newest: int | None) -> torch.Tensor:
    flat = load_data(config)
    split = build_loaders(config, flat, own_model=True).split
    counts = torch.zeros(flat.item_num, dtype=torch.int64)
    for user in range(1, flat.user_num):
        items = flat.store.items[flat.store.offsets[user] : split.train_end[user]].tolist()
        targets = (items if cloze else items[1:]) if len(items) > 1 else []
        for item in targets[-newest:] if newest else targets:
            counts[item] += 1
    return counts


@pytest.mark.parametrize("protocol", ["paper", "recbole"])
@pytest.mark.parametrize("direction", ["ar", "ae"])
@pytest.mark.parametrize("mode", ["truncate", "chunk"])
def test_ours(mode: str, direction: str, protocol: str, settings: Settings) -> None:
    config = configured(
        settings,
        MAX_ITEM_LIST_LENGTH=5,
        long_sequences=mode,
        direction=direction,
        split_protocol=protocol,
    )
    counts = target_counts(config, load_data(config))
    newest = 5 if mode == "truncate" else None
    assert torch.equal(counts, by_loop(config, direction == "ae", newest))
    assert counts[0] == 0 and counts.sum() > 200


def test_held_out_items_are_not_counted(settings: Settings) -> None:
    """``holdout: 3``: the counts end where training does, or samplers would know the test items."""
    config = configured(settings, long_sequences="chunk", holdout=3)
    counts = target_counts(config, load_data(config))
    assert torch.equal(counts, by_loop(config, cloze=False, newest=None))
    before = target_counts(configured(settings, long_sequences="chunk"), load_data(config))
    assert 0 < counts.sum() < before.sum()


@pytest.mark.parametrize("direction", ["ar", "ae"])
@pytest.mark.parametrize("mode", ["truncate", "chunk"])
def test_every_target_of_an_epoch_is_counted_and_no_other(
    mode: str, direction: str, settings: Settings
) -> None:
    """So that no in-batch draw has q = 0."""
    hide_all = {"mask_ratio": 1.0, "mask_last_prob": 0.0} if direction == "ae" else {}
    config = configured(
        settings, MAX_ITEM_LIST_LENGTH=4, long_sequences=mode, direction=direction, **hide_all
    )
    flat = load_data(config)
    loaders = build_loaders(config, flat, own_model=True)
    model = config.model_class(config, flat)
    found = torch.cat([model.task(batch).targets for batch in loaders.train])
    counts = target_counts(config, flat)
    drawn = torch.bincount(found, minlength=flat.item_num)
    if mode == "chunk" and direction == "ae":  # windows share an item, which counts in both
        assert torch.equal(drawn > 0, counts > 0)
    else:
        assert torch.equal(drawn, counts)


@pytest.mark.parametrize("direction", ["ar", "ae"])
def test_recboles_own_data_set(direction: str, settings: Settings) -> None:
    config = configured(settings, direction=direction, split_protocol="recbole",
                        train_objective="last_position")  # fmt: skip
    training = data_preparation(config, create_dataset(config))[0].dataset
    theirs = target_counts(config, training)
    assert torch.equal(theirs, by_loop(config, direction == "ae", None))


SHARES = {"mask_ratio": 0.4, "mask_last_prob": 0.3}


@pytest.mark.parametrize("objective", ["all_positions", "last_position"])
def test_hidden_items_are_expected_as_often_as_they_are_found(
    objective: str, settings: Settings
) -> None:
    """The last item of a sequence more often than the others, items of short ones too."""
    mode = {"long_sequences": "truncate"} if objective == "last_position" else {}
    config = configured(
        settings,
        direction="ae",
        train_objective=objective,
        MAX_ITEM_LIST_LENGTH=6,
        **mode,
        **SHARES,
    )
    flat = load_data(config)
    model = config.model_class(config, flat)
    expected = expected_targets(config, flat, model.cloze)
    loader = build_loaders(config, flat, own_model=True).train
    torch.manual_seed(0)
    epochs = 150
    drawn = [model.task(batch).targets for _ in range(epochs) for batch in loader]
    found = torch.bincount(torch.cat(drawn), minlength=flat.item_num) / epochs
    spread = (expected / epochs).sqrt() + 0.02
    assert ((found - expected).abs() < 4.5 * spread).all()
    plain = target_counts(config, flat).double()
    plain *= expected.sum() / plain.sum()  # what all items alike would make of it
    assert ((found - plain).abs() > 4.5 * spread).any()


def test_wherever_a_sequence_is_cut_what_is_hidden_is_expected(settings: Settings) -> None:
    """``chunk`` cuts anew in every epoch: the last items, which alone are hidden, are others."""
    hide_last = {"mask_ratio": 0.2, "mask_last_prob": 1.0}
    config = configured(settings, direction="ae", long_sequences="chunk", MAX_ITEM_LIST_LENGTH=4,
                        **hide_last)  # fmt: skip
    flat = load_data(config)
    model = config.model_class(config, flat)
    loader = build_loaders(config, flat, own_model=True).train
    expected = expected_targets(config, flat, model.cloze)
    epochs = 400
    drawn = [model.task(batch).targets for _ in range(epochs) for batch in loader]
    found = torch.bincount(torch.cat(drawn), minlength=flat.item_num) / epochs
    assert torch.equal(found > 0, expected > 0)
    assert ((found - expected).abs() < 4.5 * ((expected / epochs).sqrt() + 0.01)).all()
    assert found.sum().item() == pytest.approx(expected.sum().item(), rel=0.02)


def test_hidden_items_of_recboles_own_data_set(settings: Settings) -> None:
    config = configured(settings, direction="ae", split_protocol="recbole", MAX_ITEM_LIST_LENGTH=6,
                        train_objective="last_position", **SHARES)  # fmt: skip
    training = data_preparation(config, create_dataset(config))[0].dataset
    flat = load_data(config)
    cloze = config.model_class(config, flat).cloze
    ours, theirs = (expected_targets(config, data, cloze) for data in (flat, training))
    torch.testing.assert_close(theirs, ours)
