"""What the catalogue says of a missing data set, and that prepare understands its own files."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import pytest
import yaml

from recbole_ext import paths
from recbole_ext.data.catalog import known_datasets, missing_data_message
from recbole_ext.data.prepare import add_arguments
from recbole_ext.data.prepare.registry import FORMATS
from recbole_ext.data.prepare.settings import Filters
from recbole_ext.errors import ConfigError

PROPERTIES = Path(__file__).parents[2] / "properties" / "dataset"
KNOWN = known_datasets()


def test_known_name_gives_the_exact_command() -> None:
    assert missing_data_message("ml-1m", "data/ml-1m/ml-1m.inter") == (
        "dataset 'ml-1m': data/ml-1m/ml-1m.inter is missing; get it (MovieLens 1M, 5-core; ties in "
        "time in the order of ratings.dat, which is not the order of SASRec's ml-1m.txt) by: "
        "python -m recbole_ext prepare --dataset=ml-1m --data_path=data"
    )


def test_unknown_name_gives_the_nearest_and_the_way_for_own_data() -> None:
    assert missing_data_message("ml-1n", "dataset/ml-1n/ml-1n.inter") == (
        "dataset 'ml-1n': dataset/ml-1n/ml-1n.inter is missing; did you mean 'ml-1m'?; make it "
        "from a raw file by: python -m recbole_ext prepare --dataset=ml-1n --data_path=dataset "
        "--input=FILE"
    )


def test_the_bundled_one_comes_with_recbole() -> None:
    message = missing_data_message("ml-100k", "x/ml-100k/ml-100k.inter")
    assert message.startswith(
        "dataset 'ml-100k': x/ml-100k/ml-100k.inter is missing; it comes with"
    )


def test_one_nobody_may_fetch_unasked() -> None:
    message = missing_data_message("yelp-aear", "x/yelp-aear/yelp-aear.inter")
    assert message.endswith(
        " from yelp.com/dataset, yelp_academic_dataset_review.json by: "
        "python -m recbole_ext prepare --dataset=yelp-aear --data_path=x --input=FILE"
    )


@pytest.mark.parametrize("name", [name for name, known in KNOWN.items() if known.url])
def test_command_is_understood_by_prepare(name: str) -> None:
    words = shlex.split(
        missing_data_message(name, f"some where/{name}/{name}.inter").split(": ")[-1]
    )
    assert words[:4] == ["python", "-m", "recbole_ext", "prepare"]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = parser.parse_args(words[4:])
    assert (arguments.dataset, arguments.data_path) == (name, "some where")


@pytest.mark.parametrize("name", KNOWN)
def test_file_of_a_data_set(name: str) -> None:
    known = KNOWN[name]
    Filters(**known.filters)
    assert known.format is None or known.format in FORMATS
    assert {"users", "items"} <= set(known.published) <= {"users", "items", "interactions"}
    assert known.sha256 is None or len(bytes.fromhex(known.sha256)) == 32
    assert bool(known.url) == bool(known.file) and "/" not in known.file


@pytest.mark.parametrize(
    ("name", "users", "items", "millions"),
    [
        ("ml-1m", 6040, 3416, 1.00),
        ("beauty-5core", 22_363, 12_101, 0.20),
        ("sports-5core", 35_598, 18_357, 0.30),
        ("toys-5core", 19_412, 11_924, 0.17),
        ("yelp", 30_431, 20_033, 0.32),
    ],
)
def test_sizes_are_those_of_the_papers_table_2(
    name: str, users: int, items: int, millions: float
) -> None:
    published = KNOWN[name].published
    assert (published["users"], published["items"]) == (users, items)
    assert round(published["interactions"] / 1e6, 2) == millions


@pytest.mark.parametrize("name", [name for name, known in KNOWN.items() if not known.bundled])
def test_properties_load_three_columns_and_state_the_sizes(name: str) -> None:
    text = (PROPERTIES / f"{name}.yaml").read_text()
    assert yaml.safe_load(text) == {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    for size in KNOWN[name].published.values():
        assert f"{size:,}" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "variant: x\nsource: y\npublished: {}\nmin_users: 5\n",
            "properties/prepare/mine.yaml: the key 'min_users' is unknown; "
            "did you mean 'min_user'?",
        ),
        ("variant: x\n", "properties/prepare/mine.yaml: the key 'source' is missing"),
        ("- x\n", "properties/prepare/mine.yaml must hold 'key: value' lines, not a list"),
    ],
)
def test_a_malformed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    (tmp_path / "prepare").mkdir()
    (tmp_path / "prepare" / "mine.yaml").write_text(text)
    monkeypatch.setattr(paths, "properties_dir", lambda: tmp_path)
    with pytest.raises(ConfigError) as caught:
        known_datasets()
    assert str(caught.value) == expected
