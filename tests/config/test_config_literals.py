"""Text becomes a value by safe literals; a key that takes text keeps its text."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from recbole_ext.config.literals import literal, plain
from recbole_ext.config.schema import Key
from recbole_ext.config.yaml_dialect import ConfigLoader, dump
from recbole_ext.errors import ConfigError


def load(text: str) -> Any:
    return yaml.load(text, Loader=ConfigLoader)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("1e-3", 0.001),
        ("1.5E+2", 150.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("None", None),
        ("~", None),
        ("[1, 2.5, 'a']", [1, 2.5, "a"]),
        ("[1 for x in y]", ["1 for x in y"]),
        ("(5, 10)", [5, 10]),
        ("5,10,20", [5, 10, 20]),
        ("[Hit, NDCG]", ["Hit", "NDCG"]),
        ("[true, null, 1e-3]", [True, None, 0.001]),
        ("{'LS': 'valid_and_test'}", {"LS": "valid_and_test"}),
        ("{LS: valid_and_test}", {"LS": "valid_and_test"}),
        ("'quoted'", "quoted"),
        ('"\\t"', "\t"),
    ],
)
def test_literals(text: str, value: Any) -> None:
    found = literal(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FPARec",
        "1/0",
        "2**3",
        "1+2j",
        "nan",
        "inf",
        "__import__('os')",
        "[5,inf)",
        "[open('x')",
        "b'x'",
        "'a' 'b",
        "1, x",
        "!!python/name:os.system",
        "{a: !!python/name:os.system x}",
        "[" * 5000,
        "9" * 5000,
        "&a [*a]",
        "[&a [*a]]",
    ],
)
def test_everything_else_stays_text(text: str) -> None:
    assert literal(text) == text


def test_a_text_key_keeps_text_that_looks_like_a_number() -> None:
    assert Key("str|null", "").from_text("2020", unquote=True) == "2020"
    assert Key("str|null", "").from_text("[5,10]", unquote=True) == "[5,10]"
    assert Key("str|null", "").from_text("None", unquote=True) is None
    assert Key("str", "").from_text("None", unquote=True) == "None"
    assert Key("str", "").from_text("'a'", unquote=True) == "a"
    assert Key("str", "").from_text("'a'", unquote=False) == "'a'"
    assert Key("str|strs", "").from_text("[Hit]", unquote=True) == ["Hit"]
    assert Key("int", "").from_text("7", unquote=True) == 7
    assert Key("any", "").from_text("[1]", unquote=True) == [1]


def test_plain_values() -> None:
    given = {"a": (np.int64(3), np.float32(0.5)), "b": Path("x"), "c": np.bool_(True)}
    found = plain(given)
    assert found == {"a": [3, 0.5], "b": "x", "c": True}
    assert [type(v) for v in [*found["a"], found["c"]]] == [int, float, bool]
    with pytest.raises(ConfigError, match="of type object"):
        plain([object()])
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ConfigError, match="nested too deeply"):
        plain(endless)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("-1.5e3", -1500.0),
        (".5e+1", 5.0),
        ("1_0e2", 1000.0),
        ("1.5", 1.5),
        ("1e", "1e"),
        ("e5", "e5"),
        ("1e-3x", "1e-3x"),
        ("10", 10),
        ("'1e-3'", "1e-3"),
    ],
)
def test_numbers_in_yaml(text: str, value: Any) -> None:
    found = load(f"x: {text}")["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["1e-12", "1e3", "5e5", ".5e+1", "7.E+2", "1.5e3"])
def test_same_floats_as_recboles_loader(text: str) -> None:
    from recbole.config import Config

    theirs = yaml.load(text, Loader=type("Loader", (Config._build_yaml_loader(None),), {}))
    assert load(text) == theirs
    assert math.isfinite(load(text))


def test_pyyaml_itself_is_left_alone() -> None:
    assert yaml.safe_load("1e3") == "1e3"


def test_merge_keys_are_not_duplicates() -> None:
    assert load("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}")["b"] == {"k": 3, "l": 2}


def test_dump_reads_back_unchanged_and_is_stable() -> None:
    shared = [1, 2]
    values = {"b": "1e-3", "a": 1e-8, "c": "true", "d": shared, "e": shared, "f": "\t", "g": None}
    text = dump(values)
    assert load(text) == values
    assert text == dump(dict(reversed(values.items())))
    assert "&" not in text
    assert text.index("a:") < text.index("b:") < text.index("g:")
