"""Whatever is given, the outcome is a configuration or a ConfigError of one printable line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recbole_ext import registry
from recbole_ext.config import ExtConfig
from recbole_ext.config.known import known_keys
from recbole_ext.errors import ConfigError

MODELS = ("FPARec", "SASRec", "Pop")
NAMES = ("model", "dataset", "config_files")
KEYS = {model: (*sorted(known_keys(registry.lineage(model))), *NAMES) for model in MODELS}
WORDS = ("uniform", "LS", "inter", "user_id", "item_id", "full", "Hit", "10", "inf", "NDCG@10")
PARTS = ("inter", "distribution", "max_norm", "sample_num", "split", "mode")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(PARTS), inner, max_size=3)
    ),
    max_leaves=6,
)
NASTY = ("1/0", "__import__('os')", "[1,[2", "&a [*a]", "0x" + "f" * 9000, "9" * 5000, "[" * 5000,
         "1e999", "-0", "()", "{}", "'\\ud800'", "\ud800", "a\0b", "{[]: 1}", "nan")  # fmt: skip
TEXTS = st.text() | VALUES.map(repr) | VALUES.map(str) | st.sampled_from(NASTY)
MODEL_AND_KEY = st.sampled_from(MODELS).flatmap(
    lambda model: st.tuples(st.just(model), st.sampled_from(KEYS[model]))
)
FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def outcome(make: Callable[[], ExtConfig]) -> None:
    try:
        config = make()
    except ConfigError as error:
        assert str(error).isprintable()
        return
    assert ExtConfig(config_dict=config.resolved()).resolved() == config.resolved()


@FUZZ
@given(MODEL_AND_KEY, TEXTS)
def test_any_text_for_any_key(model_and_key: tuple[str, str], text: str) -> None:
    model, key = model_and_key
    names = {"model": model, "dataset": "shop"}
    names.pop(key, None)
    outcome(lambda: ExtConfig(**names, cli_args=[f"--{key}={text}"]))


@FUZZ
@given(st.lists(TEXTS | TEXTS.map(lambda text: f"--{text}"), max_size=3))
def test_any_arguments(arguments: list[str]) -> None:
    outcome(lambda: ExtConfig("FPARec", "shop", cli_args=arguments))


@FUZZ
@given(st.dictionaries(st.sampled_from(KEYS["FPARec"]), VALUES, max_size=3))
def test_any_values(values: dict[str, object]) -> None:
    outcome(lambda: ExtConfig("FPARec", "shop", config_dict=values))


@FUZZ
@given(
    st.binary()
    | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.tuples(st.sampled_from(KEYS["FPARec"]), TEXTS).map(
        lambda pair: f"{pair[0]}: {pair[1]}".encode("utf-8", "surrogatepass")
    )
)
def test_any_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    outcome(lambda: ExtConfig("FPARec", "shop", [file]))


def test_no_data_are_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ExtConfig("FPARec", "shop", cli_args=["--data_path=data", "--run_dir=run"])
    assert list(tmp_path.iterdir()) == []
