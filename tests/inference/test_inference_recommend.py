"""recommend: against a naive reference, for known and new users, with models of every kind."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from recbole.data.interaction import Interaction
from shop import (
    LENGTH,
    MODELS,
    N_ITEMS,
    OWN,
    SETTINGS,
    UNTITLED,
    best,
    scores_of,
    visits,
    write_shop,
)

from recbole_ext.errors import ConfigError, DataError
from recbole_ext.inference.results import Recommendation
from recbole_ext.runner import Run, run

Trained = Callable[[str], Run]
VISITS = visits()
USERS = sorted(VISITS)
NEW = [["i3", "i4"], ["i9"], [f"i{item}" for item in range(12)]]
SEQUENTIAL = ["FPARec", "SASRec", "GRU4Rec", "SHAN", "Caser"]


def test_the_shop_has_users_longer_than_the_model_sees() -> None:
    assert sum(len(items) > LENGTH for items in VISITS.values()) > 20


@pytest.mark.parametrize("model", [*SEQUENTIAL, "Pop", "ItemKNN"])
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_known_users(model_of: Trained, model: str, exclude_seen: bool) -> None:
    trained = model_of(model)
    answer = trained.recommend(USERS, k=7, exclude_seen=exclude_seen)
    for user in USERS:
        own = [row for row in answer if row.user == user]
        seen = VISITS[user] if exclude_seen else []
        scores = scores_of(trained, VISITS[user], user)
        expected = best(trained, scores, 7, seen)
        assert [row.rank for row in own] == [1, 2, 3, 4, 5, 6, 7]
        assert [row.score for row in own] == pytest.approx([scores[i] for i in expected], abs=1e-5)
        assert [row.score for row in own] == pytest.approx([scores[r.item] for r in own], abs=1e-5)
        assert len({row.item for row in own} - set(seen)) == 7
        if model in ("Pop", "ItemKNN"):  # scores do not depend on the batch in the last digit
            assert [row.item for row in own] == expected


@pytest.mark.parametrize("model", ["FPARec", "SASRec", "GRU4Rec"])
def test_new_users(model_of: Trained, model: str) -> None:
    trained = model_of(model)
    answer = trained.recommend(NEW, k=5)
    for row, history in enumerate(NEW):
        scores = scores_of(trained, history)
        own = [found for found in answer if found.history == row]
        assert [found.item for found in own] == best(trained, scores, 5, history)
        assert [found.score for found in own] == pytest.approx(
            [scores[found.item] for found in own], abs=1e-6
        )
        assert all(found.user is None for found in own)


@pytest.mark.parametrize("model", ["FPARec", "SASRec", "GRU4Rec"])
def test_a_known_user_is_his_whole_history(model_of: Trained, model: str) -> None:
    """Held-out items included: the same answer as for a new user with the same items."""
    trained = model_of(model)
    known = trained.recommend(users=USERS, k=6)
    new = trained.recommend(histories=[VISITS[user] for user in USERS], k=6)
    assert np.array_equal(known.item, new.item)
    assert np.array_equal(known.score, new.score)


def test_one_row_scores_exactly_as_full_sort_predict(model_of: Trained) -> None:
    trained = model_of("FPARec")
    history = [f"i{item}" for item in range(LENGTH)]
    answer = trained.recommend([history], k=N_ITEMS, exclude_seen=False)
    assert {row.item: row.score for row in answer} == scores_of(trained, history)


def test_the_order_of_a_history_matters(model_of: Trained) -> None:
    forward = model_of("FPARec").recommend([["i3", "i4", "i5"], ["i5", "i4", "i3"]], k=3)
    assert forward.score[:3].tolist() != forward.score[3:].tolist()


def test_seen_items_beyond_the_window_are_left_out(model_of: Trained) -> None:
    history = [f"i{item}" for item in range(N_ITEMS - 3)]
    answer = model_of("FPARec").recommend([history], k=10)
    assert {row.item for row in answer} == {"i27", "i28", "i29"}
    assert [row.rank for row in answer] == [1, 2, 3]


def test_nothing_is_left_for_who_has_seen_everything(model_of: Trained) -> None:
    everything = [f"i{item}" for item in range(N_ITEMS)]
    answer = model_of("FPARec").recommend([everything, ["i1"]], k=2)
    assert [row.history for row in answer] == [1, 1]
    assert answer.to_frame()["history"].tolist() == [1, 1]


def test_a_large_k_gives_each_item_once(model_of: Trained) -> None:
    answer = model_of("FPARec").recommend([["i1", "i2", "i1"]], k=10**12)
    assert sorted(row.item for row in answer) == sorted(
        f"i{item}" for item in range(N_ITEMS) if item not in (1, 2)
    )
    every = model_of("FPARec").recommend([["i1"]], k=10**12, exclude_seen=False)
    assert sorted(row.item for row in every) == sorted(f"i{item}" for item in range(N_ITEMS))


@pytest.mark.parametrize("model", ["FPARec", "SASRec", "Pop"])
def test_batches_do_not_matter(model_of: Trained, model: str) -> None:
    trained = model_of(model)
    whole = trained.recommend(USERS, k=5)
    for size in (1, 7):
        parts = trained.recommend(USERS, k=5, batch_size=size)
        assert np.array_equal(parts.row, whole.row)
        np.testing.assert_allclose(parts.score, whole.score, atol=1e-5)
        same = parts.item == whole.item
        assert same.mean() > 0.99  # scores equal to the 5th digit may change places


def test_the_same_question_gets_the_same_answer(model_of: Trained) -> None:
    first, second = (model_of("SASRec").recommend(USERS, k=9) for _ in range(2))
    assert list(first) == list(second)


def test_equal_scores_are_ordered_by_item_id(model_of: Trained) -> None:
    """Pop scores by counts, many of them equal."""
    trained = model_of("Pop")
    answer = trained.recommend(["u1"], k=N_ITEMS, exclude_seen=False)
    ids = [trained.dataset.token2id("item_id", row.item) for row in answer]
    keys = [(-row.score, item) for row, item in zip(answer, ids, strict=True)]
    assert keys == sorted(keys)
    assert len({row.score for row in answer}) < N_ITEMS
    for k in range(1, N_ITEMS):
        assert list(trained.recommend(["u1"], k=k, exclude_seen=False)) == answer[:k]


def test_asking_changes_no_model(model_of: Trained) -> None:
    for name in ("FPARec", "Pop", "ItemKNN"):
        trained = model_of(name)
        before = trained.evaluate("test").flat()
        trained.recommend(USERS, k=3)
        assert trained.evaluate("test").flat() == before


def test_users_may_repeat_and_come_in_any_order(model_of: Trained) -> None:
    answer = model_of("FPARec").recommend(["u5", "u2", "u5"], k=2)
    assert [row.user for row in answer] == ["u5", "u5", "u2", "u2", "u5", "u5"]
    assert answer[:2] == answer[4:]


@pytest.mark.parametrize(
    "whom", ["u5", ("u5",), np.array(["u5"]), pd.Series(["u5"]), (user for user in ["u5"])]
)
def test_forms_of_users(model_of: Trained, whom: Any) -> None:
    assert list(model_of("Pop").recommend(whom, k=1)) == list(
        model_of("Pop").recommend(users=["u5"], k=1)
    )


@pytest.mark.parametrize(
    "whom", [(("i1", "i2"),), np.array([["i1", "i2"]]), [pd.Series(["i1", "i2"])]]
)
def test_forms_of_histories(model_of: Trained, whom: Any) -> None:
    trained = model_of("FPARec")
    assert list(trained.recommend(whom, k=1)) == list(trained.recommend([["i1", "i2"]], k=1))


def test_nobody_asked_gets_an_empty_answer(model_of: Trained) -> None:
    for answer in (model_of("FPARec").recommend([]), model_of("FPARec").recommend(histories=[])):
        assert len(answer) == 0
        assert answer.to_frame().columns.tolist()[1:] == ["rank", "item", "score", "title"]


def test_rows_and_frame(model_of: Trained) -> None:
    answer = model_of("FPARec").recommend(["u3", "u4"], k=2)
    frame = answer.to_frame()
    assert frame.columns.tolist() == ["user", "rank", "item", "score", "title"]
    assert frame["user"].tolist() == ["u3", "u3", "u4", "u4"]
    rows = [
        Recommendation(r.user, None, r.rank, r.item, r.score, r.title) for r in frame.itertuples()
    ]
    assert rows == list(answer)
    assert answer[-1] == answer[3]
    with pytest.raises(IndexError):
        answer[4]


def test_titles(model_of: Trained) -> None:
    trained = model_of("FPARec")
    answer = trained.recommend([["i1"]], k=N_ITEMS, exclude_seen=False)
    titles = {row.item: row.title for row in answer}
    assert titles[UNTITLED] is None
    assert titles["i12"] == "Thing № 12"
    prices = trained.recommend([["i1"]], k=N_ITEMS, title_field="price")
    assert {row.item: row.title for row in prices}["i12"] == "6.0"
    without = trained.recommend([["i1"]], k=2, title_field="")
    assert without.title is None
    assert without.to_frame().columns.tolist() == ["history", "rank", "item", "score"]


def test_skipped_items_are_told_of_and_change_nothing(model_of: Trained) -> None:
    trained = model_of("FPARec")
    with pytest.warns(UserWarning) as told:
        answer = trained.recommend([["i1", "x", "i2"], ["y", "i4"]], k=3, on_unknown="skip")
    assert [str(warning.message) for warning in told] == [
        "left out 'x' (histories[0]), 'y' (histories[1]): not in data set 'shop'"
    ]
    assert told[0].filename == __file__
    assert list(answer) == list(trained.recommend([["i1", "i2"], ["i4"]], k=3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained.recommend([["i1"]], on_unknown="skip")


def test_a_model_that_scores_pairs_alone(model_of: Trained) -> None:
    """NeuMF has no full_sort_predict: every item is asked for by itself."""
    trained = model_of("NeuMF")
    (answer,) = trained.recommend(["u1"], k=1, exclude_seen=False)
    pairs = torch.arange(1, N_ITEMS + 1)
    user = torch.full_like(pairs, trained.dataset.token2id(trained.dataset.uid_field, "u1"))
    names = (trained.dataset.uid_field, trained.dataset.iid_field)
    with torch.no_grad():
        scores = trained.model.predict(Interaction(dict(zip(names, (user, pairs), strict=True))))  # type: ignore[operator]
    best = int(scores.argmax()) + 1
    assert answer.item == trained.dataset.id2token(trained.dataset.iid_field, best)
    assert answer.score == pytest.approx(float(scores.max()))


@pytest.mark.usefixtures("quiet_place")
def test_users_who_follow_each_other_have_no_titles(shop_data: Path, tmp_path: Path) -> None:
    """The titles are those of items, whose tokens may be the same numbers as users'."""
    chosen = {**SETTINGS, **OWN, "data_path": str(shop_data), "run_dir": str(tmp_path / "run")}
    done = run("FPARec", "shop", config_dict={**chosen, "epochs": 1, "task": "next_user"})
    for answer in (done.recommend(["i3"], k=2), done.generate(["i3"], steps=2)):
        assert [row.title for row in answer] == [None, None]
        assert all(row.item.startswith("u") for row in answer)
    with pytest.raises(ConfigError, match="title_field: 'name': task: next_user names users"):
        done.recommend(["i3"], title_field="name")


@pytest.mark.usefixtures("quiet_place")
@pytest.mark.parametrize("model", ["FPARec", "GRU4Rec"])
def test_users_who_are_only_described(model: str, tmp_path: Path) -> None:
    """There is nothing to continue, whoever else is asked for."""
    write_shop(tmp_path)
    lines = "".join(f"{user}\t{len(user)}\n" for user in [*visits(), "new1", "new2"])
    (tmp_path / "shop" / "shop.user").write_text(f"user_id:token\tage:float\n{lines}")
    columns = {"inter": ["user_id", "item_id", "timestamp"], "user": ["user_id", "age"]}
    places = {"data_path": str(tmp_path), "run_dir": str(tmp_path / "run"), "load_col": columns}
    done = run(model, "shop", config_dict={**SETTINGS, **MODELS[model], **places, "epochs": 1})
    for users in (["new1"], ["u1", "new1"]):
        with pytest.raises(DataError, match="the user has no interaction to continue from"):
            done.recommend(users, k=2)
        with pytest.raises(DataError, match="the user has no interaction to continue from"):
            done.generate(users, steps=2)
    assert {row.user for row in done.generate(steps=1)} == set(visits())
