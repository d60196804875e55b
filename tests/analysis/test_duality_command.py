"""`recbole_ext analyze duality`: runs of two seeds and another, as table and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.analysis.embeddings import effective_rank, stability
from recbole_ext.cli import main
from recbole_ext.runner import load, run

pytestmark = pytest.mark.usefixtures("quiet_place")

RUNS = {"a": ("DualSASRec", 1), "b": ("DualSASRec", 2), "c": ("VanillaAR", 3)}


@pytest.fixture
def runs(settings: Callable[..., dict[str, Any]], tmp_path: Path) -> list[str]:
    for name, (model, seed) in RUNS.items():
        keys = settings(epochs=1, seed=seed, run_dir=str(tmp_path / "runs" / name))
        run(model, "ring", config_dict=keys)
    return [str(tmp_path / "runs" / name) for name in RUNS]


def test_the_report(runs: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "d.json"
    assert main(["analyze", "duality", *runs, f"{runs[0]}/", f"--out={out}"]) == 0
    text, found = capsys.readouterr().out, json.loads(out.read_text())
    assert f"written: {out}" in text
    items = [load(place).model.item_table.detach().numpy()[1:].astype(float) for place in runs]
    assert [line["run"] for line in found["runs"]] == ["runs/a", "runs/b", "runs/c"]
    for line, vectors, place in zip(found["runs"], items, runs, strict=True):
        metrics = json.loads(Path(place, "metrics.json").read_text())
        assert line["effective_rank"] == pytest.approx(effective_rank(vectors))
        for part in ("test", "test_seen_masked"):
            assert line[part] == {m: metrics[part][m] for m in ("Hit@10", "NDCG@10")}
            assert f"{metrics[part]['NDCG@10']:.4f}" in text
    (pair,) = found["stability"]  # c is another experiment
    assert pair["runs"] == ["runs/a", "runs/b"]
    assert pair["stability"] == pytest.approx(stability(*items[:2]))
    (covered,) = found["coverage"]
    assert sum(one["items"] for one in covered["deciles"]) == 30
    store, split = load(runs[0]).dataset.store, load(runs[0]).loaders.split
    trained = (split.train_end - store.offsets[:-1]).sum()
    assert sum(one["interactions"] for one in covered["deciles"]) == trained
    counts = [one["interactions"] for one in covered["deciles"]]
    assert counts == sorted(counts)
    assert np.shape([one["with_users"] for one in covered["deciles"]]) == (10, 3)


def test_mistakes_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "nowhere"
    for words, message in (
        ([str(place)], f"error: {place} is no run folder: it does not exist\n"),
        ([str(place), f"--out={tmp_path}"], f"error: --out: {tmp_path} is a folder\n"),
    ):
        assert main(["analyze", "duality", *words]) == 2
        assert capsys.readouterr().err == message
