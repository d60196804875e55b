"""What may be asked, and the line that refuses the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from recbole_ext.errors import ConfigError, DataError
from recbole_ext.inference.asked import Asked, Options, asked

FORMS = "give user tokens, as ['u1', 'u2'], or histories of item tokens, as [['i1', 'i2'], ['i3']]"


def test_texts_are_users_and_lists_are_histories() -> None:
    assert asked(["a", "b"]) == Asked(["a", "b"], None, ["users[0]", "users[1]"])
    assert asked([["a"], ("b", "c")]) == Asked(
        None, [["a"], ["b", "c"]], ["histories[0]", "histories[1]"]
    )
    assert asked([[]]) == Asked(None, [[]], ["histories[0]"])
    assert asked([]) == Asked([], None, [])


def test_whole_numbers_are_tokens() -> None:
    assert asked([196, np.int64(7)]).users == ["196", "7"]
    assert asked(np.array([[1, 2]])).histories == [["1", "2"]]
    assert asked(5).users == ["5"]


def test_numbers_of_numpy_pandas_and_torch_are_tokens() -> None:
    frame = pd.DataFrame({"user": [3, 4], "name": ["a", "b"]})
    assert asked(frame["user"]).users == ["3", "4"]
    assert asked(frame["name"]).users == ["a", "b"]
    assert asked(frame[["user"]].values).histories == [["3"], ["4"]]
    assert asked(torch.tensor([1, 2])).users == ["1", "2"]
    assert asked(torch.tensor([[1, 2]])).histories == [["1", "2"]]
    assert asked([torch.tensor([1, 2]), [torch.tensor(3)]]).histories == [["1", "2"], ["3"]]
    assert asked(np.array(7)).users == asked(torch.tensor(7)).users == ["7"]


def test_a_table_is_not_walked_by_the_names_of_its_columns() -> None:
    with pytest.raises(DataError, match=r"^cannot recommend for a table; give a column of users,"):
        asked(pd.DataFrame([["1", "2"], ["4", "5"]]))


def test_one_token_is_a_list_of_one() -> None:
    assert asked("abc").users == ["abc"]
    assert asked(users="abc").users == ["abc"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, f"nobody to recommend for; {FORMS}"),
    ({"whom": ["a"], "users": ["b"]}, f"too much to recommend for; {FORMS}"),
    ({"users": ["a"], "histories": [["b"]]}, f"too much to recommend for; {FORMS}"),
    ({"whom": 1.5}, f"cannot recommend for 1.5; {FORMS}"),
    ({"whom": {"a": 1}}, f"cannot recommend for {{'a': 1}}; {FORMS}"),
    ({"whom": b"ab"}, f"cannot recommend for b'ab'; {FORMS}"),
    ({"whom": ["a", ["b"]]}, f"users[1]: ['b'] is no token; {FORMS}"),
    ({"users": [["a"]]}, f"users[0]: ['a'] is no token; {FORMS}"),
    ({"users": [True]}, f"users[0]: true is no token; {FORMS}"),
    ({"histories": ["a", "b"]}, f"histories[0]: 'a' is no list of item tokens; {FORMS}"),
    ({"histories": "a"}, f"histories[0]: 'a' is no list of item tokens; {FORMS}"),
    ({"whom": [["a", 1.0]]}, f"histories[0]: 1.0 is no token; {FORMS}"),
    ({"whom": [None]}, f"histories[0]: null is no list of item tokens; {FORMS}"),
    ({"whom": [["a", None]]}, f"histories[0]: null is no token; {FORMS}"),
]


@pytest.mark.parametrize(("given", "line"), WRONG, ids=range(len(WRONG)))
def test_what_holds_no_tokens_is_refused(given: dict[str, Any], line: str) -> None:
    with pytest.raises(DataError) as error:
        asked(**given)
    assert str(error.value) == line


COUNT = "must be a whole number of 1 or more"
OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"k": 0}, f"k: 0 {COUNT}"),
    ({"k": -3}, f"k: -3 {COUNT}"),
    ({"k": 2.0}, f"k: 2.0 {COUNT}"),
    ({"k": True}, f"k: true {COUNT}"),
    ({"k": "ten"}, f"k: 'ten' {COUNT}"),
    ({"batch_size": 0}, f"batch_size: 0 {COUNT}"),
    ({"on_unknown": "ignore"}, "on_unknown: 'ignore' must be error or skip"),
]


@pytest.mark.parametrize(("given", "line"), OPTIONS, ids=range(len(OPTIONS)))
def test_options(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as error:
        Options(**given)
    assert str(error.value) == line
