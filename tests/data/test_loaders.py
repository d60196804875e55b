"""Training and evaluation loaders of this library's models."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.data.batches import NEWEST_ROW, TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.data.loaders import EvaluationLoader, SequenceLoader, build_loaders
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import SequenceStore
from recbole_ext.errors import DataError

CONFIG: dict[str, Any] = {
    "USER_ID_FIELD": "user_id",
    "ITEM_ID_FIELD": "item_id",
    "LIST_SUFFIX": "_list",
    "ITEM_LIST_LENGTH_FIELD": "item_length",
    "MAX_ITEM_LIST_LENGTH": 10,
    "train_batch_size": 16,
    "eval_batch_size": 16,
    "seed": 3,
    "shuffle": True,
    "train_objective": "all_positions",
    "direction": "ar",
    "long_sequences": "truncate",
    "split_protocol": "paper",
    "holdout": 1,
    "batch_by": "similar_length",
    "trim_batches": "auto",
    "eval_users": None,
    "model": "FPARec",
    "dataset": "made-up",
}
CHUNKS = {"long_sequences": "chunk"}
PREFIXES = {"train_objective": "last_position"}
KINDS = pytest.mark.parametrize("kind", [{}, CHUNKS, PREFIXES], ids=["newest", "chunk", "prefix"])


def flat(lengths: list[int] | None = None) -> Any:
    """A data set as the loaders see it; items are their places, plus 1."""
    lengths = np.random.default_rng(0).integers(1, 40, 100).tolist() if lengths is None else lengths
    offsets = np.concatenate([[0, 0], np.cumsum(lengths)]).astype(np.int64)
    items = np.arange(1, offsets[-1] + 1, dtype=np.int64)
    return SimpleNamespace(store=SequenceStore(items, offsets, len(items) + 1))


def loader(**overrides: Any) -> SequenceLoader:
    dataset = flat()
    return SequenceLoader({**CONFIG, **overrides}, dataset, leave_one_out(dataset.store))


def epoch(source: SequenceLoader, number: int) -> list[dict[str, list[Any]]]:
    source.epoch = number
    return [{key: batch[key].tolist() for key in batch.interaction} for batch in source]


@KINDS
def test_one_row_of_a_user_is_the_newest(kind: dict[str, Any]) -> None:
    """It is known by its place, though the newest item came before."""
    dataset = flat([4, 9, 30, 40])
    store = dataset.store
    dataset.store = SequenceStore(np.ones_like(store.items), store.offsets, 2)
    places = SequenceLoader({**CONFIG, **kind}, flat([4, 9, 30, 40]), leave_one_out(store))
    source = SequenceLoader({**CONFIG, **kind}, dataset, leave_one_out(store))
    newest = {}
    for one, other in zip(epoch(source, 0), epoch(places, 0), strict=True):
        assert one[NEWEST_ROW] == other[NEWEST_ROW]
        for user, item, new in zip(one["user_id"], other["item_id"], one[NEWEST_ROW], strict=True):
            if new:
                assert newest.setdefault(user, item) == item
    ends = store.offsets[2:] - 2  # less two held out; items are their places, plus 1
    assert newest == dict(enumerate(ends.tolist(), 1))


@KINDS
def test_an_epoch_is_a_function_of_seed_and_number(kind: dict[str, Any]) -> None:
    source = loader(**kind)
    first, second = epoch(source, 0), epoch(source, 1)
    assert first != second
    assert epoch(source, 0) == first  # whatever came between
    assert epoch(loader(**kind), 1) == second
    assert epoch(loader(**kind, seed=4), 0) != first


@KINDS
def test_iterating_moves_on(kind: dict[str, Any]) -> None:
    source, other = loader(**kind), loader(**kind)
    walked = [epoch_ for epoch_ in (list(source), list(source))]
    assert source.epoch == 2
    for number, batches in enumerate(walked):
        expected = epoch(other, number)
        assert [batch["item_id"].tolist() for batch in batches] == [b["item_id"] for b in expected]


@KINDS
def test_each_row_once_in_batches_of_the_size_asked_for(kind: dict[str, Any]) -> None:
    source = loader(**kind)
    for number in range(3):
        source.epoch = number
        announced = len(source)
        batches = epoch(source, number)
        rows = source.rows(number)
        assert len(batches) == announced == -(-len(rows) // 16)
        assert sorted(len(batch["user_id"]) for batch in batches)[1:] == [16] * (announced - 1)
        targets = [target for batch in batches for target in batch["item_id"]]
        assert sorted(targets) == sorted(rows.end + 1)


@KINDS
def test_batches_are_trimmed_to_their_longest(kind: dict[str, Any]) -> None:
    widths = set()
    for batch in loader(**kind):
        assert batch["item_id_list"].shape[1] == batch["item_length"].max() <= 10
        widths.add(batch["item_id_list"].shape[1])
    assert len(widths) > 1


@KINDS
def test_positions_weigh_the_same_and_sum_to_the_batches(kind: dict[str, Any]) -> None:
    """Summed losses of all batches are then the batches' number times the mean over positions."""
    batches = list(loader(**kind))
    weights = torch.cat([batch[TARGET_WEIGHT] for batch in batches]).double()
    assert len(weights.unique()) == 1
    counts = torch.cat(
        [batch.interaction.get(TARGET_COUNT, torch.ones(len(batch))) for batch in batches]
    )
    assert (weights * counts).sum().item() == pytest.approx(len(batches), rel=1e-6)


@KINDS
def test_shuffle_false_keeps_the_order(kind: dict[str, Any]) -> None:
    source = loader(**kind, shuffle=False)
    targets = [target for batch in epoch(source, 0) for target in batch["item_id"]]
    assert targets == (source.rows(0).end + 1).tolist()


def test_chunk_and_prefix_train_what_truncate_leaves_out() -> None:
    def trained(**kind: Any) -> int:
        return loader(**kind).rows(0).n_targets

    assert trained() < trained(**CHUNKS) == trained(**PREFIXES)


@pytest.mark.parametrize("part", ["valid", "test"])
def test_evaluation_ranks_each_held_out_item_once(part: str) -> None:
    dataset = flat()
    store, places = dataset.store, getattr(leave_one_out(dataset.store), part)
    source = EvaluationLoader(CONFIG, dataset, places)
    batches = list(source)
    assert len(batches) == len(source)
    assert sorted(np.concatenate([batch.rows for batch in batches])) == list(
        range(len(source.rows))
    )
    lengths = [length for b in batches for length in b.interaction["item_length"].tolist()]
    assert lengths == sorted(lengths, reverse=True)  # the longest first
    assert len(set(lengths)) > 5
    for batch in batches:
        users, offsets = batch.interaction["user_id"].tolist(), batch.seen_offsets
        assert batch.targets.tolist() == (places[users] + 1).tolist()
        for row, user in enumerate(users):
            seen = batch.seen_items[offsets[row] : offsets[row + 1]].tolist()
            assert seen == list(range(store.offsets[user] + 1, places[user] + 1))
            window = batch.interaction["item_id_list"][row]
            assert window[window > 0].tolist() == seen[-10:]


def test_eval_users_picks_the_same_random_users() -> None:
    """Of every seed too: a job's seeds are compared user by user."""
    dataset = flat()
    places = leave_one_out(dataset.store).test

    def users(**overrides: Any) -> list[int]:
        return EvaluationLoader({**CONFIG, **overrides}, dataset, places).rows.users.tolist()

    everyone, some = users(), users(eval_users=20)
    assert len(some) == len(set(some)) == 20
    assert set(some) < set(everyone)
    assert users(eval_users=20, seed=9) == some == sorted(some) != everyone[:20]
    assert users(eval_users=10_000) == everyone


def test_trim_batches_false_pads_to_the_longest_allowed() -> None:
    dataset = flat([5, 6, 4])
    places = leave_one_out(dataset.store).test
    for trim, width in ((False, 10), (True, 5), ("auto", 5)):
        (batch,) = EvaluationLoader({**CONFIG, "trim_batches": trim}, dataset, places)
        assert batch.interaction["item_id_list"].shape == (3, width)


def test_nothing_to_train_on() -> None:
    with pytest.raises(DataError) as error:
        build_loaders(CONFIG, flat([3, 1]), own_model=True)
    assert str(error.value) == (
        "made-up: no user has two training interactions, so there is nothing to train on; "
        "users need 4 interactions or more (3 with split_protocol: recbole)"
    )


def test_nothing_to_rank() -> None:
    with pytest.raises(DataError) as error:
        build_loaders(CONFIG, flat([2, 2]), own_model=True)
    assert str(error.value) == "made-up: no user has 3 interactions, nothing can be held out"


def test_the_messages_count_what_is_held_out() -> None:
    held = {**CONFIG, "holdout": 4}
    with pytest.raises(DataError, match="users need 7 interactions or more"):
        build_loaders(held, flat([6, 1]), own_model=True)
    with pytest.raises(DataError, match="no user has 6 interactions, nothing can be held out"):
        build_loaders(held, flat([5, 5]), own_model=True)
    assert len(build_loaders(held, flat([7, 6]), own_model=True).test.rows) == 2


def test_three_interactions_are_enough_under_recbole() -> None:
    loaders = build_loaders({**CONFIG, "split_protocol": "recbole"}, flat([3]), own_model=True)
    assert [batch["item_id"].tolist() for batch in loaders.train] == [[2]]
    assert (len(loaders.valid.rows), len(loaders.test.rows)) == (0, 1)
    assert len(list(loaders.valid)) == 0
