"""What the catalogue says of a missing data set, and that its commands are commands of ours."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import pytest
import yaml

from recbole_ext.data.catalog import CATALOG, missing_data_message
from recbole_ext.data.prepare import add_arguments
from recbole_ext.data.prepare.registry import FORMATS

PROPERTIES = Path(__file__).parents[2] / "properties" / "dataset"


def test_known_name_gives_the_exact_commands() -> None:
    assert missing_data_message("ml-1m", "data/ml-1m/ml-1m.inter") == (
        "dataset 'ml-1m': data/ml-1m/ml-1m.inter is missing; get it (MovieLens 1M, 5-core; ties in "
        "time in the order of ratings.dat, which is not the order of SASRec's ml-1m.txt) by: "
        "curl -fL -o ml-1m.zip https://files.grouplens.org/datasets/movielens/ml-1m.zip && "
        "python -m recbole_ext prepare --input=ml-1m.zip --dataset=ml-1m --data_path=data "
        "--min_user=5 --min_item=5"
    )


def test_unknown_name_gives_the_nearest_and_the_way_for_own_data() -> None:
    assert missing_data_message("ml-1n", "dataset/ml-1n/ml-1n.inter") == (
        "dataset 'ml-1n': dataset/ml-1n/ml-1n.inter is missing; did you mean 'ml-1m'?; make it "
        "from a raw file by: python -m recbole_ext prepare --input=FILE --dataset=ml-1n "
        "--data_path=dataset"
    )


def test_nearest_of_the_names_at_hand() -> None:
    message = missing_data_message("my-shp", "dataset/my-shp/my-shp.inter", known=["my-shop"])
    assert "did you mean 'my-shop'?" in message


def test_the_bundled_one_comes_with_recbole() -> None:
    message = missing_data_message("ml-100k", "x/ml-100k/ml-100k.inter")
    assert message.startswith(
        "dataset 'ml-100k': x/ml-100k/ml-100k.inter is missing; it comes with"
    )


@pytest.mark.parametrize("name", [name for name, known in CATALOG.items() if known.url])
def test_commands_are_understood_by_prepare(name: str) -> None:
    download, command = CATALOG[name].commands("some where").split(" && ")
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "recbole_ext", "prepare"]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = parser.parse_args(words[4:])
    assert (arguments.dataset, arguments.data_path) == (name, "some where")
    assert arguments.input == shlex.split(download)[3]
    assert arguments.format is None or arguments.format in FORMATS


@pytest.mark.parametrize("name", [name for name, known in CATALOG.items() if known.url])
def test_properties_load_three_columns_and_state_the_sizes(name: str) -> None:
    text = (PROPERTIES / f"{name}.yaml").read_text()
    assert yaml.safe_load(text) == {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    for size in CATALOG[name].published.values():
        assert f"{size:,}" in text
