"""recommend: what is asked wrongly, and models that answer wrongly, in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from shop import N_ITEMS, visits

from recbole_ext.errors import ConfigError, DataError
from recbole_ext.runner import Run

Trained = Callable[[str], Run]
VISITS = visits()
NOT_HERE = "not in data set 'shop'"
WRONG: list[tuple[str, Any, str]] = [
    ("FPARec", ["u3", "u99"], f"users[1]: unknown user 'u99', {NOT_HERE}; did you mean 'u9'?"),
    ("FPARec", "qqqq", f"users[0]: unknown user 'qqqq', {NOT_HERE}"),
    (
        "FPARec",
        ["x", "y", "[PAD]", "z", "w"],
        f"users[0]: unknown user 'x', {NOT_HERE} (4 more are unknown: 'y' (users[1]), "
        "'[PAD]' (users[2]), 'z' (users[3]) and 1 more)",
    ),
    (
        "FPARec",
        [["i1"], ["i2", "I3"]],
        f"histories[1]: unknown item 'I3', {NOT_HERE}; did you mean 'i3'?",
    ),
    (
        "FPARec",
        [["i1", "[PAD]"], ["xx"]],
        f"histories[0]: unknown item '[PAD]', {NOT_HERE} (1 more is unknown: 'xx' (histories[1]))",
    ),
    (
        "FPARec",
        [["i1"], []],
        "histories[1]: the history is empty; one item is needed to continue from",
    ),
    (
        "Pop",
        [["i1"]],
        "model 'Pop' recommends for the users it was trained on, not for histories: it is no "
        "sequential model",
    ),
    (
        "Caser",
        [["i1"]],
        "model 'Caser' reads the column 'user_id', and a new user has none",
    ),
    (
        "NeuMF",
        [["i1"]],
        "model 'NeuMF' recommends for the users it was trained on, not for histories: it is no "
        "sequential model",
    ),
]


@pytest.mark.parametrize(("model", "whom", "line"), WRONG, ids=range(len(WRONG)))
def test_mistakes(model_of: Trained, model: str, whom: Any, line: str) -> None:
    with pytest.raises((ConfigError, DataError)) as error:
        model_of(model).recommend(whom)
    assert str(error.value) == line


def test_skipping_all_of_a_history_is_an_error(model_of: Trained) -> None:
    with pytest.warns(UserWarning), pytest.raises(DataError) as error:
        model_of("FPARec").recommend([["x"]], on_unknown="skip")
    expected = "histories[0]: no known item in the history; one item is needed to continue from"
    assert str(error.value) == expected


def test_a_nan_score_is_an_error(model_of: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = model_of("FPARec")
    broken = torch.full((1, N_ITEMS + 1), torch.nan)
    monkeypatch.setattr(trained.model, "full_sort_predict", lambda batch: broken)
    with pytest.raises(FloatingPointError, match="scored an item as NaN"):
        trained.recommend([["i1"]])


def test_an_item_scored_minus_infinity_is_never_recommended(
    model_of: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = model_of("FPARec")
    scores = torch.full((1, N_ITEMS + 1), -torch.inf)
    scores[0, 4] = 1.0
    monkeypatch.setattr(trained.model, "full_sort_predict", lambda batch: scores)
    answer = trained.recommend([["i1"]], exclude_seen=False)
    assert [row.score for row in answer] == [1.0]


def test_a_key_error_of_the_model_itself_stays_one(
    model_of: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = model_of("FPARec")
    monkeypatch.setattr(trained.model, "full_sort_predict", lambda batch: {}["bug"])
    with pytest.raises(KeyError, match="bug"):
        trained.recommend([["i1"]])
