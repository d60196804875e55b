"""run() and load(): from names to a run folder, and back."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

import recbole_ext
from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError, DataError
from recbole_ext.runner import load, run
from recbole_ext.training import results

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
NAMES = [f"{metric}@{k}" for metric in ("Hit", "NDCG", "MRR") for k in (5, 10, 20)]
PARTS = ("valid", "test", "valid_seen_masked", "test_seen_masked")
ML_100K_SHA256 = "fdd0a58ac2f2b05a70f161346f6c22bf378a58667cb5c8110d3210bfa5596a82"


def weights(place: Path) -> dict[str, torch.Tensor]:
    return load_file(place / "model.safetensors")


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def test_a_run_on_ml_100k(ml_100k: Settings, tmp_path: Path) -> None:
    place = tmp_path / "chosen"
    finished = run(
        "FPARec", "ml-100k", config_dict=ml_100k(run_dir=str(place), MAX_ITEM_LIST_LENGTH=20)
    )
    assert finished.run_dir == place.resolve()
    assert {file.name for file in place.iterdir()} == {
        "config.yaml",
        "history.csv",
        "log.txt",
        "metrics.json",
        "model.safetensors",
        "ranks.safetensors",
        "resume.safetensors",
        "tensorboard",
    }
    metrics = json.loads((place / "metrics.json").read_text())
    assert metrics == finished.metrics
    assert set(metrics) == {
        *("model", "dataset", "seed", *PARTS, "best_epoch", "epochs", "seconds_per_epoch"),
        *("train_seconds", "device", "cpus", "parameters", "data", "versions"),
    }
    on_gpu = torch.cuda.is_available()
    assert metrics["device"] == (torch.cuda.get_device_name() if on_gpu else "cpu")
    assert (metrics["model"], metrics["dataset"], metrics["seed"]) == ("FPARec", "ml-100k", 7)
    assert metrics["data"] == {
        "users": 943,
        "items": 1682,
        "interactions": 100_000,
        "sha256": ML_100K_SHA256,
    }
    assert set(metrics["versions"]) == {"python", "recbole_ext", *results.PACKAGES}
    assert metrics["cpus"] == os.cpu_count()
    assert metrics["parameters"] == sum(t.numel() for t in weights(place).values())
    assert 0 < metrics["seconds_per_epoch"] < metrics["train_seconds"]
    for part in PARTS:
        assert list(metrics[part]) == NAMES
        assert all(0 < value < 1 for value in metrics[part].values())
    log = (place / "log.txt").read_text()
    assert "FPARec on ml-100k: 943 users, 1,682 items, 100,000 interactions" in log
    assert "943 validation and 943 test users" in log
    assert log.count("valid NDCG@10") == 2


@pytest.mark.parametrize(
    ("model", "keys", "line"),
    [
        ("FPARec", {"loss_type": "BPR", "n_negatives": 5000}, "n_negatives: 5000 must be smaller"),
        ("SASRecF", {}, "selected_features (from RecBole's SASRecF.yaml) has the column 'class', "
         "which load_col does not load: {inter: [user_id, item_id, timestamp], item: [item_id, "),
        ("SASRecF", {"load_col": None}, "selected_features (from RecBole's SASRecF.yaml): no column"
         " 'class' loaded from ring.item; none of its columns is loaded"),
        ("NARM", {"dropout_probs": []}, "RecBole's NARM cannot be built with these settings on "
         "ring: IndexError"),
        ("BPR", {"train_neg_sample_args": None}, "train_neg_sample_args: null (from config_dict): "
         "BPR learns from pairs of an item taken and a negative; give {distribution: uniform"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_leaves_no_folder(
    model: str, keys: dict[str, Any], line: str, settings: Settings, tmp_path: Path
) -> None:
    place = tmp_path / "run"
    chosen = {**settings(own=model == "FPARec", run_dir=str(place)), **keys}
    with pytest.raises(ConfigError) as error:
        run(model, "ring", config_dict=chosen)
    assert str(error.value).startswith(line)
    assert not place.exists()


def test_a_metric_of_the_lists_chooses_the_epoch(settings: Settings) -> None:
    """In RecBole's spelling too, and not rounded: the fourth decimal may stand still for long."""
    chosen = settings(epochs=3, metrics=["hit", "giniindex"], valid_metric="giniindex@10")
    finished = run("FPARec", "ring", config_dict=chosen)
    progress = finished.trainer.progress
    assert progress.best_score == finished.metrics["valid"]["GiniIndex@10"]
    assert progress.best_score == min(row["GiniIndex@10"] for row in progress.history)
    assert round(progress.best_score, 4) != progress.best_score


def test_a_package_that_is_missing_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "PACKAGES", ("torch", "no_such_package"))
    found = results.versions()
    assert set(found) == {"python", "recbole_ext", "torch"}
    assert found["recbole_ext"] == recbole_ext.__version__


def test_one_config_file_and_a_quiet_log(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("state: error")
    for given in (file, str(file)):
        finished = run("FPARec", "ring", config_file_list=given, config_dict=settings(epochs=1))
        assert (finished.run_dir / "log.txt").read_text() == ""
        assert (finished.run_dir / "history.csv").read_text().count("\n") == 2


def test_metrics_are_those_of_the_best_epoch(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings(epochs=12, learning_rate=0.05))
    metrics = finished.metrics
    assert metrics["valid"]["NDCG@10"] == finished.trainer.progress.best_score
    assert metrics["best_epoch"] < metrics["epochs"] - 1 <= 11
    found = finished.evaluate("valid")
    assert found.seen_kept == metrics["valid"]
    assert found.seen_masked == metrics["valid_seen_masked"]
    assert metrics["test"]["Hit@5"] > 0.5  # the ring is learned


def test_folders_without_a_name_differ(settings: Settings) -> None:
    places = {run("FPARec", "ring", config_dict=settings(epochs=1)).run_dir for _ in range(2)}
    assert len(places) == 2
    for place in places:  # each log tells of its own run alone
        log = (place / "log.txt").read_text().splitlines()
        assert [line.split()[-1] for line in log if "run folder" in line] == [str(place)]
    assert all(place.parent.name == "saved" for place in places)
    assert all(place.name.startswith("FPARec-ring-") for place in places)


def test_config_yaml_gives_an_equal_config(settings: Settings) -> None:
    finished = run("PARec", "ring", config_dict=settings(epochs=1, clip_grad_norm=5))
    text = (finished.run_dir / "config.yaml").read_text()
    saved = yaml.safe_load(text)
    assert saved["clip_grad_norm"] == {"max_norm": 5}
    again = ExtConfig(saved.pop("model"), saved.pop("dataset"), config_dict=saved)
    assert again.resolved() == finished.config.resolved()
    assert again.snapshot_yaml() == text


def test_config_yaml_of_a_chosen_folder_makes_a_new_run(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings(epochs=1, run_dir="chosen"))
    again = run(config_file_list=finished.run_dir / "config.yaml")
    assert again.run_dir.parent.name == "saved"
    assert again.metrics["test"] == finished.metrics["test"]


def test_data_that_have_moved(settings: Settings, ring: Path, tmp_path: Path) -> None:
    shutil.copytree(ring, tmp_path / "data")
    finished = run("FPARec", "ring", config_dict=settings(epochs=1, data_path=tmp_path / "data"))
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    file = finished.run_dir / "config.yaml"
    moved = f"; if it has moved, give data_path anew, or change it in {file}$"
    with pytest.raises(DataError, match=moved):
        load(finished.run_dir)
    file.write_text(file.read_text().replace(str(tmp_path / "data"), str(tmp_path / "elsewhere")))
    assert load(finished.run_dir).evaluate("valid").flat()
    with pytest.raises(ConfigError, match="evaluate: 'tets' must be 'valid' or 'test'"):
        load(finished.run_dir).evaluate("tets")


def test_same_seed_same_weights(settings: Settings) -> None:
    chosen = settings(long_sequences="chunk", hidden_dropout_prob=0.5)
    one, two = (run("FPARec", "ring", config_dict=chosen) for _ in range(2))
    other = run("FPARec", "ring", config_dict={**chosen, "seed": 8})
    assert equal(weights(one.run_dir), weights(two.run_dir))
    assert one.metrics["test"] == two.metrics["test"]
    ours, theirs = weights(one.run_dir), weights(other.run_dir)
    assert not any(ours[name].equal(theirs[name]) for name in ours if ours[name].dim() > 1)


KINDS: list[dict[str, Any]] = [
    {},
    {"long_sequences": "chunk"},
    {"train_objective": "last_position"},
    {"split_protocol": "recbole"},
    {"split_protocol": "recbole", "long_sequences": "chunk", "trim_batches": False},
    {"lr_schedule": "cosine", "warmup_epochs": 0.5, "adam_beta2": 0.9, "learner": "adamw"},
    {"valid_metric": "Hit@5_seen_masked", "eval_users": 30},
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def test_kinds_of_training_learn_the_ring(kind: dict[str, Any], settings: Settings) -> None:
    chosen = settings(epochs=12, learning_rate=0.03, hidden_dropout_prob=0.0, **kind)
    finished = run("FPARec", "ring", config_dict=chosen)
    assert finished.metrics["test"]["Hit@5"] > 0.5
    users = 80 if kind.get("split_protocol", "paper") == "paper" else 73
    users = kind.get("eval_users", users)
    assert len(finished.loaders.valid.rows) == users


def test_no_validation_users(tmp_path: Path, settings: Settings) -> None:
    data = tmp_path / "data"
    rows = [f"u{u}\ti{(u + step) % 7}\t{step}" for u in range(30) for step in range(3)]
    (data / "short").mkdir(parents=True)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (data / "short" / "short.inter").write_text("\n".join([header, *rows]) + "\n")
    chosen = settings(data_path=str(data), split_protocol="recbole")
    finished = run("FPARec", "short", config_dict=chosen)
    assert (finished.metrics["valid"], finished.metrics["best_epoch"]) == ({}, -1)
    assert load(finished.run_dir).evaluate().flat() == finished.evaluate().flat()
    assert math.isfinite(finished.evaluate().seen_kept["MRR@5"])
    with pytest.raises(ConfigError) as error:
        finished.evaluate("valid")
    assert str(error.value) == (
        "evaluate: 'valid': no user of short has a validation item (split_protocol: 'recbole')"
    )


def refused(kind: type[Exception], **overrides: Any) -> Callable[[Settings], str]:
    def line(settings: Settings) -> str:
        with pytest.raises(kind) as error:
            run("FPARec", overrides.pop("dataset", "ring"), config_dict=settings(**overrides))
        assert "\n" not in str(error.value)
        return str(error.value)

    return line


def test_nothing_is_written_for_data_that_cannot_be_split(
    tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "data" / "two").mkdir(parents=True)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (tmp_path / "data" / "two" / "two.inter").write_text(f"{header}\nu\ti\t1\nu\tj\t2\nv\tj\t1\n")
    place = tmp_path / "place"
    keys = {"dataset": "two", "data_path": str(tmp_path / "data"), "run_dir": str(place)}
    line = refused(DataError, **keys)(settings)
    assert line == "two: no user has 3 interactions, nothing can be held out"
    assert not place.exists()


def test_missing_data(tmp_path: Path, settings: Settings) -> None:
    line = refused(DataError, dataset="rign", run_dir=str(tmp_path / "r"))(settings)
    assert line.startswith("dataset 'rign': ") and "rign.inter is missing" in line
    assert not (tmp_path / "r").exists()


def test_a_model_with_a_loop_of_its_own(settings: Settings) -> None:
    with pytest.raises(ConfigError) as error:
        run("S3Rec", "ring", config_dict=settings(own=False))
    assert str(error.value).startswith("model = 'S3Rec': RecBole trains it by S3RecTrainer, a loop")


def test_the_public_names_are_functions() -> None:
    code = (
        "from recbole_ext import run, load, list_models; import recbole_ext.runner, recbole_ext;"
        "print(*(type(f).__name__ for f in (run, load, list_models, recbole_ext.run)))"
    )
    words = [sys.executable, "-c", code]
    found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    assert found.stdout.split() == ["function"] * 4
