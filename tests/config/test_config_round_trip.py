"""A resolved configuration gives the same configuration again, through a mapping or a file."""

import io
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from recbole_ext.config import ExtConfig

MODELS = ["FPARec", "VanillaAR", "SASRec", "BERT4Rec", "Pop", "BPR", "FM", "CKE", "FEARec"]
GIVEN: dict[str, Any] = {
    "clip_grad_norm": 5,
    "topk": 10,
    "metrics": "NDCG",
    "gpu_id": [0, 1],
    "state": "debug",
    "warmup_epochs": 0.5,
    "additional_feat_suffix": "emb",
    "field_separator": ",",
    "run_dir": "runs/2020",
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dataset", ["ml-100k", "shop"])
@pytest.mark.parametrize("given", [{}, GIVEN], ids=["defaults", "given"])
def test_round_trip(model: str, dataset: str, given: dict[str, Any], tmp_path: Path) -> None:
    config = ExtConfig(model, dataset, config_dict={**given, "use_gpu": False})
    again = ExtConfig(config_dict=config.resolved())
    file = tmp_path / "config.yaml"
    file.write_text(config.snapshot_yaml(), encoding="utf-8")
    from_file = ExtConfig(config_file_list=[file])
    assert from_file.resolved()["run_dir"] is None  # another run of it has a place of its own
    for other in (again, from_file):
        elsewhere = {} if other is again else {"run_dir": None}
        assert other.resolved() == {**config.resolved(), **elsewhere}
        assert other.final_config_dict == {**config.final_config_dict, **elsewhere}
        assert other.model_class is config.model_class


@pytest.mark.parametrize("model", MODELS)
def test_resolved_is_plain(model: str) -> None:
    values = ExtConfig(model, "ml-100k").resolved()
    assert yaml.safe_load(yaml.safe_dump(values)) == values
    assert (values["model"], values["dataset"]) == (model, "ml-100k")
    assert {"MODEL_TYPE", "device", "eval_type", "base", "local_rank"} & set(values) == set()


def test_snapshot_is_stable() -> None:
    one = ExtConfig("FPARec", "shop", config_dict={"seed": 1, "epochs": 2})
    two = ExtConfig("FPARec", "shop", config_dict={"epochs": 2}, cli_args=["--seed=1"])
    assert one.snapshot_yaml() == two.snapshot_yaml()
    lines = [line.split(":")[0] for line in one.snapshot_yaml().splitlines() if line[0].isalpha()]
    assert lines == sorted(lines)


def test_resolved_is_a_copy() -> None:
    config = ExtConfig("FPARec", "shop")
    config.resolved()["topk"].append(99)
    config["topk"].append(98)
    assert config.resolved()["topk"] == [5, 10, 20]


@pytest.mark.parametrize("model", ["FPARec", "VanillaAR", "SASRec"])
def test_copies_and_recboles_own_checkpoint(model: str) -> None:
    """RecBole's Trainer writes its config by torch.save; a preset's class has no module to name."""
    config = ExtConfig(model, "shop")
    buffer = io.BytesIO()
    torch.save({"config": config}, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)["config"]
    for copy in (loaded, deepcopy(config)):
        assert copy.final_config_dict == config.final_config_dict
        assert copy.model_class is config.model_class
        assert copy.origin("seed") == config.origin("seed")
