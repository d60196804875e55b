"""``Run.generate``: the command's rows from Python, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from shop import best, scores_of, visits

from recbole_ext.errors import ConfigError, DataError
from recbole_ext.inference.asked import asked
from recbole_ext.inference.generation.generate import everyone, generate
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.runner import Run

Trained = Callable[[str], Run]


def test_greedy_steps_feed_themselves(model_of: Trained) -> None:
    run = model_of("FPARec")
    history, found = visits()["u3"], run.generate("u3", steps=3)
    assert (found.columns[:4], [row.rank for row in found]) == (
        ["user", "step", "item", "score"],
        [1, 2, 3],
    )
    for row in found:
        scores = scores_of(run, history)
        assert row.item == best(run, scores, 1, [])[0]
        assert row.score == pytest.approx(scores[row.item], abs=1e-5)
        history = [*history, row.item]


def test_nobody_named_is_everyone(model_of: Trained) -> None:
    run = model_of("FPARec")
    expected = generate(run, everyone(run), RolloutOptions(steps=2))
    assert run.generate(steps=2).to_frame().equals(expected.to_frame())
    assert len(expected) == 2 * 60


@pytest.mark.parametrize("nobody", [{"users": []}, {"histories": []}])
def test_an_empty_list_is_nobody(model_of: Trained, nobody: dict[str, Any]) -> None:
    found = model_of("FPARec").generate(**nobody, steps=2)
    assert len(found) == 0 and found.to_frame().empty


def test_options_and_histories(model_of: Trained) -> None:
    run = model_of("FPARec")
    how: dict[str, Any] = {"temperature": 0.5, "top_k": 7, "seed": 4, "exclude_seen": True}
    found = run.generate(histories=[["i1", "i2"], ["i9"]], steps=4, decode="sample", **how)
    options = RolloutOptions(steps=4, decode="sample", **how)
    expected = generate(run, asked([["i1", "i2"], ["i9"]]), options)
    assert found.to_frame().equals(expected.to_frame())
    assert {row.history for row in found} == {0, 1}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"tempreature": 1.0}, "generate: the unknown option 'tempreature'; did you mean 'temp"),
        ({"k": 5}, "generate: the unknown option 'k'; there are steps, decode, temperature, "),
        ({"steps": 0}, "steps: 0 must be a whole number of 1 or more"),
        ({"beam_size": 3}, "beam_size is for decode: beam, not greedy"),
    ],
)
def test_options_that_cannot_be_used(model_of: Trained, given: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        model_of("FPARec").generate("u1", **given)
    assert str(refused.value).startswith(line)


def test_a_number_is_drawn_for_each_step_once(
    model_of: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    make = np.random.default_rng

    class Counting:
        def __init__(self, seed: int) -> None:
            self.rng = make(seed)

        def random(self, shape: tuple[int, int]) -> np.ndarray:
            drawn.append(shape[0] * shape[1])
            return self.rng.random(shape)

    run, options = model_of("FPARec"), {"steps": 2, "decode": "sample", "seed": 4}
    whole = run.generate(**options)
    monkeypatch.setattr(np.random, "default_rng", Counting)
    found = run.generate(**options, batch_size=7)
    assert drawn == [2 * 60]
    assert [row.item for row in found] == [row.item for row in whole]


def test_whoever_called_is_told_of_skipped_items(model_of: Trained) -> None:
    with pytest.warns(UserWarning, match="^left out 'x'") as told:
        model_of("FPARec").generate([["i1", "x"]], steps=1, on_unknown="skip")
    assert [warning.filename for warning in told] == [__file__]


def test_who_cannot_be_continued(model_of: Trained) -> None:
    with pytest.raises(DataError, match=r"^users\[0\]: unknown user 'u99'"):
        model_of("FPARec").generate(["u99"])
    with pytest.raises(DataError, match=r"^model 'Pop' reads no history"):
        model_of("Pop").generate("u1")
