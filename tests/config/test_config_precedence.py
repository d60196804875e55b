"""The later source wins, and every key remembers which one that was."""

import sys
from pathlib import Path

import pytest

from recbole_ext.config import ExtConfig


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_each_source_overrides_the_one_before(properties: Path, tmp_path: Path) -> None:
    """RecBole's < overall < base < model < dataset < files in order < config_dict < arguments."""
    files = [write(tmp_path / name, "") for name in ("a.yaml", "b.yaml")]
    places = [
        (properties / "overall.yaml", "properties/overall.yaml"),
        (properties / "model" / "ComposableRecommender.yaml", None),
        (properties / "model" / "FPARec.yaml", "properties/model/FPARec.yaml"),
        (properties / "dataset" / "shop.yaml", "properties/dataset/shop.yaml"),
        (Path(files[0]), files[0]),
        (Path(files[1]), files[1]),
    ]
    config = ExtConfig("FPARec", "shop", files)
    assert (config["seed"], config.origin("seed")) == (2020, "RecBole's overall.yaml")
    for number, (file, origin) in enumerate(places):
        with file.open("a", encoding="utf-8") as out:
            out.write(f"\nseed: {number}\n")
        config = ExtConfig("FPARec", "shop", files)
        expected = origin or "properties/model/ComposableRecommender.yaml"
        assert (config["seed"], config.origin("seed")) == (number, expected)
    config = ExtConfig("FPARec", "shop", files, {"seed": 77})
    assert (config["seed"], config.origin("seed")) == (77, "config_dict")
    config = ExtConfig("FPARec", "shop", files, {"seed": 77}, ["--seed=78"])
    assert (config["seed"], config.origin("seed")) == (78, "--seed")


def test_a_model_yaml_sets_length_and_columns(properties: Path) -> None:
    """RecBole reads its data settings after the model's; ours come after both."""
    with (properties / "model" / "FPARec.yaml").open("a", encoding="utf-8") as out:
        out.write("\nMAX_ITEM_LIST_LENGTH: 123\n")
        out.write("load_col: {inter: [user_id, item_id, timestamp, rating]}\n")
    config = ExtConfig("FPARec", "shop")
    assert config["MAX_ITEM_LIST_LENGTH"] == 123
    assert config["load_col"]["inter"] == ["user_id", "item_id", "timestamp", "rating"]


def test_config_files_on_the_command_line_come_last_of_the_files(tmp_path: Path) -> None:
    first = write(tmp_path / "a.yaml", "epochs: 1\nseed: 1\n")
    second = write(tmp_path / "b.yaml", "epochs: 2\n")
    config = ExtConfig("FPARec", "shop", [first], cli_args=[f"--config_files={second} {first}"])
    assert (config["epochs"], config["seed"]) == (1, 1)
    config = ExtConfig("FPARec", "shop", [first], cli_args=[f"--config_files={second}"])
    assert (config["epochs"], config.origin("epochs")) == (2, second)


def test_model_and_dataset_from_a_file(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", "model: FPARec\ndataset: shop\n")
    config = ExtConfig(config_file_list=[file])
    assert (config.model, config["model"], config.dataset) == ("FPARec", "FPARec", "shop")
    assert config.model_class.__name__ == "FPARec"
    assert config.origin("model") == file
    assert ExtConfig("SASRec", config_file_list=[file]).model == "SASRec"
    assert ExtConfig(config_file_list=[file], cli_args=["--dataset=2020"]).dataset == "2020"


def test_argv_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["run", "--seed=9", "nonsense"])
    assert ExtConfig("FPARec", "shop")["seed"] == 2020


def test_sources_are_left_as_they_were() -> None:
    given = {"seed": "3", "topk": 5, "valid_metric": "MRR@5", "clip_grad_norm": 1}
    config = ExtConfig("FPARec", "shop", config_dict=given)
    assert given == {"seed": "3", "topk": 5, "valid_metric": "MRR@5", "clip_grad_norm": 1}
    assert (config["seed"], config["topk"]) == (3, [5])
    assert config["clip_grad_norm"] == {"max_norm": 1}


def test_one_config_does_not_change_the_next() -> None:
    ExtConfig("BPR", "ml-100k")["eval_args"]["order"] = "changed"
    assert ExtConfig("BPR", "ml-100k")["eval_args"]["order"] == "TO"


def test_recbole_argument_lists_stay_as_they_are() -> None:
    from recbole.utils import dataset_arguments

    before = list(dataset_arguments)
    ExtConfig("FPARec", "ml-100k")
    assert list(dataset_arguments) == before


def test_missing_parts_of_eval_args_are_ours_not_recboles() -> None:
    config = ExtConfig("FPARec", "shop", config_dict={"eval_args": {"mode": "full"}})
    assert config["eval_args"] == {
        "split": {"LS": "valid_and_test"},
        "order": "TO",
        "group_by": "user",
        "mode": {"valid": "full", "test": "full"},
    }


@pytest.mark.parametrize(
    ("metric", "bigger"), [("NDCG@10", True), ("MRR@5_seen_masked", True), ("GiniIndex@20", False)]
)
def test_valid_metric(metric: str, bigger: bool) -> None:
    given = {"metrics": ["ndcg", "MRR", "GiniIndex"], "valid_metric": metric}
    config = ExtConfig("FPARec", "shop", config_dict=given)
    assert config["valid_metric"] == metric
    assert config["valid_metric_bigger"] is bigger
    assert config.resolved()["valid_metric_bigger"] is bigger


@pytest.mark.parametrize("value", ["auto", True, False])
def test_three_way_switches(value: object) -> None:
    argument = f"--trim_batches={str(value).lower()}"
    config = ExtConfig("FPARec", "shop", cli_args=[argument])
    assert config["trim_batches"] is value or config["trim_batches"] == value == "auto"


def test_chunk_with_all_positions_is_fine() -> None:
    config = ExtConfig("FPARec", "shop", cli_args=["--long_sequences=chunk", "--warmup_steps=10"])
    assert (config["long_sequences"], config["warmup_steps"]) == ("chunk", 10)
