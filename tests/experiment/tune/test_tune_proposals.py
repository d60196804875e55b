"""Where configurations come from."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from recbole_ext.errors import CheckpointError
from recbole_ext.experiment.tune.plan import Plan
from recbole_ext.experiment.tune.proposals import OptunaSearch, RandomSearch, proposals
from recbole_ext.experiment.tune.space import parse_space

SPACE = {
    "x": {"uniform": [0.0, 1.0]},
    "kind": [["a", "b"], ["c"]],
    "n": {"int": [1, 8]},
    "sweep": {"trials": 60, "seed": 3},
}


def planned(search: str = "optuna", bigger: bool = True) -> Plan:
    sweep = {**SPACE["sweep"], "search": search}  # type: ignore[dict-item]
    space = parse_space({**SPACE, "sweep": sweep}, "s.yaml")
    return Plan("M", "d", space, "NDCG@10", bigger, Path())


def worth(values: dict[str, Any]) -> float:
    """Planted: best at x = 0.8 and kind [c]."""
    return 1.0 - abs(values["x"] - 0.8) + (0.5 if values["kind"] == ["c"] else 0.0)


def test_random_depends_on_the_number_alone() -> None:
    one, other = proposals(planned("random"), {}), proposals(planned("random"), {3: ({}, 1.0)})
    assert isinstance(one, RandomSearch)
    forward = [one.ask(number) for number in range(60)]
    assert [other.ask(number) for number in reversed(range(60))] == forward[::-1]
    assert one.ask(60) is None


@pytest.mark.parametrize("bigger", [True, False])
def test_optuna_finds_the_better_part(bigger: bool) -> None:
    pytest.importorskip("optuna")
    search = proposals(planned(bigger=bigger), {})
    found = []
    for number in range(60):
        values = search.ask(number)
        assert values is not None
        assert 0 <= values["x"] <= 1 and values["kind"] in (["a", "b"], ["c"])
        assert type(values["n"]) is int and 1 <= values["n"] <= 8
        search.tell(number, worth(values) if bigger else -worth(values))
        found.append(worth(values))
    assert mean(found[-20:]) > 1.2, "at random it is 0.91"


def test_optuna_knows_what_was_before() -> None:
    pytest.importorskip("optuna")
    first = proposals(planned(), {})
    past: dict[int, tuple[dict[str, Any], float | None]] = {}
    for number in range(40):
        values = first.ask(number)
        assert values is not None
        first.tell(number, worth(values))
        past[number] = (values, worth(values))
    again = OptunaSearch(planned(), past)
    asked = [again.ask(number) for number in range(40, 60)]
    assert mean(worth(values) for values in asked) > 1.2


def test_optuna_does_not_try_again_what_failed() -> None:
    pytest.importorskip("optuna")
    first = proposals(planned(), {}).ask(0)
    assert first is not None
    assert proposals(planned(), {}).ask(0) == first
    assert proposals(planned(), {}, [first]).ask(0) not in (None, first)


def test_a_trial_of_another_space_is_refused() -> None:
    pytest.importorskip("optuna")
    for values in ({"x": 2.0, "kind": ["c"], "n": 1}, {"x": 0.5, "kind": ["d"], "n": 1}, {}):
        with pytest.raises(CheckpointError, match="trial 4: not of this sweep's space"):
            OptunaSearch(planned(), {4: (values, 1.0)})


def test_optuna_goes_on_with_an_interrupted_trial() -> None:
    pytest.importorskip("optuna")
    values = {"x": 0.25, "kind": ["c"], "n": 4}
    search = OptunaSearch(planned(), {0: (values, None)})
    fresh = search.ask(1)
    assert fresh != values, "it is not proposed again"
    search.tell(0, 1.0)
    search.tell(1, None)
    states = [(trial.state.name, trial.value) for trial in search._study.trials]
    assert states == [("COMPLETE", 1.0), ("FAIL", None)]
    assert search._study.best_params == {"x": 0.25, "kind": 1, "n": 4}


def test_optuna_tries_nothing_twice() -> None:
    """Twelve configurations in twelve trials, though the best of them attracts it; then an end."""
    pytest.importorskip("optuna")
    small = {"kind": [["a", "b"], ["c"]], "n": {"int": [1, 6]}, "sweep": {"trials": 20, "seed": 3}}
    sweep = {**small["sweep"], "search": "optuna"}  # type: ignore[dict-item]
    space = parse_space({**small, "sweep": sweep}, "s.yaml")
    search = proposals(Plan("M", "d", space, "NDCG@10", True, Path()), {})
    found = []
    for number in range(12):
        values = search.ask(number)
        assert values is not None
        found.append((tuple(values["kind"]), values["n"]))
        search.tell(number, None if number == 3 else float(values["n"] == 2))
    assert len(set(found)) == 12
    assert search.ask(12) is None
