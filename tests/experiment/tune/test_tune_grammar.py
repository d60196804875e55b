"""The grammar of a space file: what it means, and how it says no."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.config.yaml_dialect import ConfigLoader
from recbole_ext.errors import ConfigError
from recbole_ext.experiment.tune.axes import Axis, Choice, Float, Int
from recbole_ext.experiment.tune.grammar import Link, read_value
from recbole_ext.experiment.tune.settings import SweepSettings
from recbole_ext.experiment.tune.space import parse_space, read_space


def load(text: str) -> Any:
    return yaml.load(text, Loader=ConfigLoader)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3", 3),
        ("gelu", "gelu"),
        ("~", None),
        ("[1, 2]", Choice((1, 2))),
        ("[[5, 10], [20]]", Choice(([5, 10], [20]))),
        ("[1, true]", Choice((1, True))),
        ("{uniform: [0, 0.5]}", Float(0, 0.5)),
        ("{uniform: [0, 0.5], step: 0.1}", Float(0, 0.5, step=0.1)),
        ("{loguniform: [1e-4, 1e-2]}", Float(1e-4, 1e-2, log=True)),
        ("{int: [1, 4]}", Int(1, 4)),
        ("{int: [16, 64], step: 16}", Int(16, 64, step=16)),
        ("{logint: [8, 512]}", Int(8, 512, log=True)),
        ("{same_as: hidden_size}", Link("hidden_size")),
        ("{same_as: hidden_size, times: 4}", Link("hidden_size", 4)),
        ("{by: score, values: {dot: 1, cosine: 2}}", Link("score", values={"dot": 1, "cosine": 2})),
    ],
)
def test_what_it_means(text: str, meant: object) -> None:
    found = read_value(load(text))
    assert found == meant and type(found) is type(meant)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[]", "needs a list of at least one value"),
        ("[1, 2, 1]", "names 1 twice"),
        (
            "{choice: [1, 2]}",
            "needs one of uniform, loguniform, int, logint, same_as, by; a value that is a mapping "
            "itself stands in a list",
        ),
        (
            "{unifrom: [0, 1]}",
            "needs one of uniform, loguniform, int, logint, same_as, by; did you mean "
            "'uniform'?; a value that is a mapping itself stands in a list",
        ),
        (
            "{uniform: [0, 1], int: [0, 1]}",
            "needs one of uniform, loguniform, int, logint, same_as, by; a value that is a "
            "mapping itself stands in a list",
        ),
        ("{uniform: [0, 1], stp: 1}", "has the unknown 'stp' beside uniform; did you mean 'step'?"),
        ("{uniform: 3}", "needs two numbers in a list, low and high, not 3"),
        ("{uniform: [1]}", "needs two numbers in a list, low and high, not [1]"),
        ("{uniform: [a, b]}", "needs two numbers in a list, low and high, not ['a', 'b']"),
        (
            "{uniform: [false, true]}",
            "needs two numbers in a list, low and high, not [False, True]",
        ),
        ("{uniform: [1, 1]}", "needs low < high, not [1, 1]"),
        ("{uniform: [0, .inf]}", "holds a number that is infinite or none"),
        ("{uniform: [0, 1], step: 2}", "step: 2 must be above 0 and at most high - low"),
        ("{uniform: [0, 1], step: 0}", "step: 0 must be above 0 and at most high - low"),
        ("{loguniform: [0, 1]}", "needs low > 0 for a logarithm, not 0"),
        ("{int: [1, 2.5]}", "needs two whole numbers in a list, low and high, not [1, 2.5]"),
        ("{int: [1, 5], step: 0.5}", "step: 0.5 must be above 0 and at most high - low"),
        ("{same_as: 3}", "same_as: 3 must be the name of another key"),
        ("{same_as: a, times: x}", "times: 'x' must be a number"),
        ("{by: 3, values: {a: 1}}", "by: 3 must be the name of another key"),
        ("{by: a}", "values: null must say what belongs to which value of a"),
        ("2026-11-21", "is of type date, not a plain value"),
    ],
)
def test_malformed(text: str, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_value(load(text))
    assert str(refused.value) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("n_layers: 2", "s.yaml searches nothing: no key has a list or a range of values"),
        ("a: {same_as: b}\nc: [1, 2]", "s.yaml: a: same_as: 'b' is no key of this file"),
        ("a: {same_as: cd}\ncde: [1, 2]", "s.yaml: a: same_as: 'cd' is no key of this file; did yo"
         "u mean 'cde'?"),
        ("a: {same_as: b}\nb: {same_as: c}\nc: [1, 2]", "s.yaml: a: same_as: 'b' follows another it"
         "self"),
        ("a: [1, 2]\nsweep: 3", "s.yaml: sweep: 3 must be a mapping"),
        ("a: [1, 2]\nsweep: {trails: 3}", "s.yaml: sweep has the unknown key 'trails'; did you mea"
         "n 'trials'?"),
        ("a: [1, 2]\nsweep: {trials: 0}", "s.yaml: sweep: trials: 0 must be a whole number >= 1"),
        ("a: [1, 2]\nsweep: {search: optona}", "s.yaml: sweep: search: 'optona' must be one of rand"
         "om, optuna; did you mean 'optuna'?"),
        ("a: [1, 2]\nsweep: {reduction_factor: 1}", "s.yaml: sweep: reduction_factor: 1 must be a n"
         "umber > 1"),
        ("a: [1, 2]\nsweep: {grace: 9, max_epochs: 8}", "s.yaml: sweep: grace: 9 must be at most ma"
         "x_epochs: 8"),
        ("a: [1, 2]\nepochs: [3, 4]", "s.yaml: epochs cannot be searched or set here: trials train "
         "sweep's max_epochs; give the final run's as --epochs"),
        ("a: [1, 2]\nrun_dir: x", "s.yaml: run_dir cannot be searched or set here: each trial has a"
         " folder of its own"),
        ("a: [1, 2]\nmodel: [A, B]", "s.yaml: model: ['A', 'B'] must be one name: a sweep is of on"
         "e model on one data set"),
        ("dataset: [a, b]\nmodel: A", "s.yaml: dataset: ['a', 'b'] must be one name: a sweep is of"
         " one model on one data set"),
        ("a: {uniform: [2, 1]}", "s.yaml: a: needs low < high, not [2, 1]"),
    ],
)  # fmt: skip
def test_malformed_files(text: str, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_space(load(text), "s.yaml")
    assert str(refused.value) == line


def test_a_key_twice_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("a: [1, 2]\na: [3]\n")
    with pytest.raises(ConfigError, match=r"s\.yaml:2: the key 'a' stands there twice"):
        read_space(file)


def test_a_whole_file() -> None:
    text = "b: [1, 2]\na: {int: [3, 5]}\nc: {same_as: b, times: 4}\nd: x\ne: [[7, 8]]\n"
    space = parse_space(load(text + "sweep: {trials: 3, seed: 1}"), "s.yaml", {"trials": 5})
    assert space.sweep == SweepSettings(trials=5, seed=1)
    assert space.count == 6
    assert dict(space.axes) == {"a": Int(3, 5), "b": Choice((1, 2))}
    assert space.complete({"a": 3, "b": 2}) == {"a": 3, "b": 2, "c": 8, "d": "x", "e": [7, 8]}
    assert list(space.probes()) == [{"a": 3, "b": 1}, {"a": 5, "b": 1}, {"a": 3, "b": 2}]


@pytest.mark.parametrize(
    ("text", "over", "grace"),
    [
        ("sweep: {max_epochs: 3}", {}, 3),
        ("sweep: {max_epochs: 9}", {}, 5),
        ("sweep: {grace: 5}", {"max_epochs": 1}, 1),
        ("sweep: {grace: 2}", {"max_epochs": 4}, 2),
    ],
)
def test_shorter_trials_have_a_shorter_grace(text: str, over: dict[str, int], grace: int) -> None:
    assert parse_space(load(f"a: [1, 2]\n{text}"), "s.yaml", over).sweep.grace == grace


def test_draws_do_not_depend_on_the_order_of_the_file() -> None:
    one = parse_space(load("a: [1, 2, 3]\nb: {uniform: [0, 1]}"), "s.yaml")
    other = parse_space(load("b: {uniform: [0, 1]}\na: [1, 2, 3]"), "s.yaml")
    assert [one.draw(Random(5)) for _ in range(3)] == [other.draw(Random(5)) for _ in range(3)]


def test_times_of_text_is_refused() -> None:
    space = parse_space(load("a: [x, y]\nb: {same_as: a, times: 2}"), "s.yaml")
    with pytest.raises(ConfigError, match=r"s\.yaml: b: times: 2 of a: 'x'"):
        space.complete({"a": "x"})


def test_a_key_by_the_value_of_another() -> None:
    text = "a: [x, y]\nb: {by: a, values: {x: 1, y: [2]}}\nc: [1, 2]\nd: {by: c, values: {1: 3}}"
    space = parse_space(load(text), "s.yaml")
    assert space.complete({"a": "y", "c": 1}) == {"a": "y", "b": [2], "c": 1, "d": 3}
    with pytest.raises(ConfigError, match=r"s\.yaml: d: values: has none for c: 2"):
        space.complete({"a": "x", "c": 2})


AXES: list[Axis] = [
    Choice((1, "x", [2])),
    Float(0.1, 0.9),
    Float(0.0, 0.9, step=0.2),
    Float(1e-5, 1.0, log=True),
    Int(-3, 4),
    Int(16, 70, step=16),
    Int(1, 1000, log=True),
]


@given(axis=st.sampled_from(AXES), seed=st.integers(0, 2**32))
def test_a_draw_is_one_of_the_values(axis: Axis, seed: int) -> None:
    value = axis.draw(Random(seed))
    if isinstance(axis, Choice):
        assert value in axis.values
        return
    assert isinstance(axis, Float | Int)
    assert axis.low <= value <= axis.high
    if axis.step is not None:
        steps = (value - axis.low) / axis.step
        assert steps == pytest.approx(round(steps), abs=1e-6)
    assert isinstance(value, int if isinstance(axis, Int) else float)


def test_every_value_is_drawn_about_equally_often() -> None:
    rng = Random(0)
    for axis, values in (
        (Choice((1, 2, 3)), [1, 2, 3]),
        (Int(1, 3), [1, 2, 3]),
        (Float(0.0, 0.5, step=0.25), [0.0, 0.25, 0.5]),
    ):
        drawn = [axis.draw(rng) for _ in range(3000)]
        assert set(drawn) == set(values)
        assert all(850 < drawn.count(value) < 1150 for value in values)


@pytest.mark.parametrize("axis", [Float(1e-4, 1.0, log=True), Int(1, 10_000, log=True)])
def test_a_logarithm_is_uniform(axis: Float | Int) -> None:
    rng = Random(1)
    places = [
        (math.log(axis.draw(rng)) - math.log(axis.low)) / math.log(axis.high / axis.low)
        for _ in range(4000)
    ]
    quarters = [sum(q / 4 <= place < (q + 1) / 4 for place in places) for q in range(4)]
    assert all(800 < quarter < 1250 for quarter in quarters), quarters
