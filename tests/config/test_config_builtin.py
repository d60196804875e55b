"""RecBole's models under our settings, the device, the paths, and RecBole's own preparation."""

import os
from pathlib import Path

import pytest
import torch

from recbole_ext import stock
from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError

UNIFORM = {
    "distribution": "uniform",
    "sample_num": 1,
    "alpha": 1.0,
    "dynamic": False,
    "candidate_num": 0,
}
NEGATIVES = {
    "SASRec": None,
    "GRU4Rec": None,
    "BERT4Rec": None,
    "NARM": None,
    "CORE": None,
    "RepeatNet": None,
    "FPARec": None,
    "Pop": None,  # it would count the negatives
    "BPR": UNIFORM,
    "ItemKNN": None,
    "FPMC": UNIFORM,
    "FM": UNIFORM,
}


@pytest.mark.parametrize("model", NEGATIVES)
def test_negatives_are_set_right_by_themselves(model: str) -> None:
    config = ExtConfig(model, "ml-100k")
    wanted = NEGATIVES[model]
    assert config["train_neg_sample_args"]["distribution"] == (
        "none" if wanted is None else "uniform"
    )
    assert wanted is None or config["train_neg_sample_args"] == wanted
    assert (config.resolved()["train_neg_sample_args"] is None) == (wanted is None)


def test_origin_of_what_was_worked_out() -> None:
    assert ExtConfig("SASRec", "shop").origin("train_neg_sample_args") == "computed"
    assert ExtConfig("BPR", "shop").origin("train_neg_sample_args") == "RecBole's overall.yaml"
    assert ExtConfig("SASRec", "shop").origin("MODEL_TYPE") == "computed"


def test_bpr_loss_draws_negatives() -> None:
    config = ExtConfig("SASRec", "shop", config_dict={"loss_type": "BPR"})
    assert config["train_neg_sample_args"] == UNIFORM
    assert config["MODEL_INPUT_TYPE"].name == "PAIRWISE"


@pytest.mark.parametrize("spelling", [None, "None", {"distribution": "none"}])
def test_spellings_of_no_negatives(spelling: object) -> None:
    config = ExtConfig("SASRec", "shop", config_dict={"train_neg_sample_args": spelling})
    assert config.resolved()["train_neg_sample_args"] is None


@pytest.mark.parametrize("model", sorted(stock.recbole_models()))
def test_every_model_of_recbole_gets_a_config(model: str) -> None:
    if stock.recbole_models()[model][0] == "exlib":
        with pytest.raises(ConfigError, match="cannot rank"):
            ExtConfig(model, "ml-100k")
        return
    config = ExtConfig(model, "ml-100k")
    assert config["eval_args"]["split"] == {"LS": "valid_and_test"}
    assert config["load_col"]["inter"] == ["user_id", "item_id", "timestamp"]
    assert config["train_objective"] == "last_position"
    assert (config["adam_beta2"], config["train_batch_size"]) == (0.999, 2048)
    assert (config["metrics"], config["topk"]) == (["Hit", "NDCG", "MRR"], [5, 10, 20])


@pytest.mark.parametrize(("model", "repeatable"), [("BPR", False), ("FM", False), ("SASRec", True)])
def test_negatives_of_general_models_are_no_positives(model: str, repeatable: bool) -> None:
    """RecBole's own default: where items repeat, a user's items may be negatives of the user."""
    assert ExtConfig(model, "ml-100k")["repeatable"] is repeatable


@pytest.mark.parametrize("model", ["FPARec", "SASRec", "FM"])
def test_no_numerical_features(model: str) -> None:
    """RecBole's code walks along the list; null has none to give it."""
    config = ExtConfig(model, "no-such-data", config_dict={"numerical_features": None})
    assert config["numerical_features"] == config.resolved()["numerical_features"] == []


def test_feature_files_of_recbole_stay_loaded() -> None:
    columns = ExtConfig("CKE", "shop")["load_col"]
    assert columns == {
        "inter": ["user_id", "item_id", "timestamp"],
        "kg": ["head_id", "relation_id", "tail_id"],
        "link": ["item_id", "entity_id"],
    }
    given = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    assert ExtConfig("CKE", "shop", config_dict=given)["load_col"] == given["load_col"]


def test_data_set_named_like_recboles_address_list() -> None:
    config = ExtConfig("FPARec", "url")
    assert "adult" not in config


@pytest.mark.parametrize("gpus", ["--use_gpu=False", "--gpu_id="])
def test_cpu(gpus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    config = ExtConfig("FPARec", "shop", cli_args=[gpus])
    assert config["device"] == torch.device("cpu")
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of a process does not choose for the next one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    for gpus, device in (("1", "cuda:1"), ("1,0", "cuda:1"), ("0", "cuda"), ("[0, 1]", "cuda")):
        config = ExtConfig("FPARec", "shop", cli_args=[f"--gpu_id={gpus}"])
        assert config["device"] == torch.device(device)
    assert ExtConfig("FPARec", "shop")["device"] == torch.device("cuda")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,5"
    with pytest.raises(ConfigError, match=r"^gpu_id: '2' \(from --gpu_id\).* 2 of them are vis"):
        ExtConfig("FPARec", "shop", cli_args=["--gpu_id=2"])
    assert ExtConfig("FPARec", "shop", cli_args=["--gpu_id=2", "--use_gpu=false"])["gpu_id"] == ""


def test_a_gpu_is_named_by_number() -> None:
    with pytest.raises(ConfigError, match=r"^gpu_id: 'cuda:1' \(from --gpu_id\) must be numbers"):
        ExtConfig("FPARec", "shop", cli_args=["--gpu_id=cuda:1"])
    assert ExtConfig("FPARec", "shop", cli_args=["--gpu_id=7"])["device"] == torch.device("cpu")


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = ExtConfig("FPARec", "shop", cli_args=["--data_path=data", "--run_dir=runs/1"])
    assert config["data_path"] == str(tmp_path / "data" / "shop")
    assert config.resolved()["data_path"] == str(tmp_path / "data")
    assert config["checkpoint_dir"] == str(tmp_path / "saved")
    assert config["run_dir"] == str(tmp_path / "runs" / "1")


def test_bundled_ml_100k_unless_there_is_an_own_one(tmp_path: Path) -> None:
    def place() -> Path:
        return Path(
            ExtConfig("FPARec", "ml-100k", cli_args=[f"--data_path={tmp_path}"])["data_path"]
        )

    bundled = stock.recbole_dir() / "dataset_example" / "ml-100k"
    assert place().resolve() == bundled.resolve()
    own = tmp_path / "ml-100k"
    own.mkdir()
    assert place().resolve() == bundled.resolve()  # an empty folder is no data set
    (own / "ml-100k.inter").touch()
    assert place() == own


@pytest.mark.parametrize(("model", "rows"), [("Pop", 98114), ("SASRec", 97171)])
def test_recbole_prepares_its_data_with_this_config(model: str, rows: int, tmp_path: Path) -> None:
    from recbole.data import create_dataset, data_preparation

    given = {"checkpoint_dir": str(tmp_path), "MAX_ITEM_LIST_LENGTH": 3, "use_gpu": False}
    config = ExtConfig(model, "ml-100k", config_dict=given)
    dataset = create_dataset(config)
    train, valid, test = data_preparation(config, dataset)
    assert (dataset.user_num, dataset.item_num) == (944, 1683)
    assert len(train.dataset) == rows
    assert (len(valid.dataset), len(test.dataset)) == (943, 943)
