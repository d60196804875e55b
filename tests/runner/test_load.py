"""load(): the model of a run folder, and what cannot be one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.errors import CheckpointError
from recbole_ext.runner import load, run
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("model", ["FPARec", "PARec", "VanillaAR"])
def test_load_scores_the_same(model: str, settings: Settings) -> None:
    finished = run(model, "ring", config_dict=settings())
    files = {file: file.stat().st_mtime_ns for file in finished.run_dir.rglob("*")}
    loaded = load(finished.run_dir)
    assert not loaded.model.training
    assert loaded.metrics == finished.metrics
    for part in ("valid", "test"):
        one, other = finished.evaluate(part), loaded.evaluate(part)
        assert one.flat() == other.flat()
        assert np.array_equal(one.ranks, other.ranks)
    (batch, *_) = loaded.loaders.test
    scores = [some.model.full_sort_predict(batch.interaction) for some in (finished, loaded)]
    assert torch.equal(*scores)
    assert {file: file.stat().st_mtime_ns for file in finished.run_dir.rglob("*")} == files


def test_load_in_another_process(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings())
    code = (
        "import sys, json; from recbole_ext.runner import load; "
        "print(json.dumps(load(sys.argv[1]).evaluate().flat()))"
    )
    words = [sys.executable, "-c", code, str(finished.run_dir)]
    found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    assert json.loads(found.stdout) == finished.evaluate().flat()


def test_load_refuses_changed_data(settings: Settings, tmp_path: Path) -> None:
    rows = [f"u{u}\ti{(u + step) % 7}\t{step}" for u in range(9) for step in range(5)]
    file = tmp_path / "data" / "d" / "d.inter"
    file.parent.mkdir(parents=True)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    file.write_text("\n".join([header, *rows]) + "\n")
    finished = run("FPARec", "d", config_dict=settings(data_path=str(tmp_path / "data")))
    file.write_text(
        "\n".join([header, *rows[:-2], rows[-1], rows[-2].replace("\t3", "\t9")]) + "\n"
    )
    with pytest.raises(CheckpointError) as error:
        load(finished.run_dir)
    assert str(error.value) == (
        f"{finished.run_dir}: data set 'd' has changed since this run was trained"
    )


def test_load_leaves_nothing_behind(settings: Settings) -> None:
    place = run("FPARec", "ring", config_dict=settings(run_dir="place")).run_dir
    before = {file for file in Path().rglob("*")}
    torch.manual_seed(8)
    load(place)
    assert {file for file in Path().rglob("*")} == before
    assert torch.initial_seed() == 8  # nor does it seed the caller's random numbers


@pytest.mark.parametrize("text", ["{}", "[]", '{"data": null}'])
def test_load_refuses_metrics_of_another_kind(text: str, settings: Settings) -> None:
    place = run("FPARec", "ring", config_dict=settings()).run_dir
    (place / "metrics.json").write_text(text)
    with pytest.raises(CheckpointError, match=f"^{place / 'metrics.json'}: "):
        load(place)


@pytest.mark.parametrize("name", ["model.safetensors", "metrics.json"])
def test_load_refuses_damaged_files(name: str, settings: Settings) -> None:
    place = run("FPARec", "ring", config_dict=settings()).run_dir
    content = (place / name).read_bytes()
    (place / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=f"^{place / name}: "):
        load(place)


def test_load_of_an_unfinished_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best model so far is there, its metrics are not."""
    place = Path("r").absolute()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SequenceTrainer, "rank_with_best", _interrupt)
        run("FPARec", "ring", config_dict=settings(run_dir=str(place)))
    loaded = load(place)
    assert loaded.metrics == {}
    assert loaded.evaluate("valid").seen_kept["Hit@20"] > 0


def _interrupt(*args: object) -> None:
    raise KeyboardInterrupt
