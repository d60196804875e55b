"""`recbole_ext analyze exposure`: the report of a run, its files, and each line that refuses."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small import SMALL, SMALL_OWN, write_atomic

from recbole_ext.cli import main
from recbole_ext.data.popularity import interaction_counts
from recbole_ext.runner import Run, load, run

Settings = Callable[..., dict[str, Any]]


@pytest.fixture
def trained(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    run("FPARec", "ring", config_dict=settings(run_dir="one", topk=[3, 10], epochs=3))
    return load("one")


@pytest.mark.parametrize("seen", [True, False])
def test_the_report(seen: bool, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["analyze", "exposure", "one", "--k=3", "--bound=1.5", "--items"]
    assert main([*words, *(["--include_seen"] if seen else [])]) == 0
    printed = capsys.readouterr().out
    found = json.loads(Path("one/exposure.json").read_text())
    ranked, store, split = found["lists"], trained.dataset.store, trained.loaders.split
    if seen:  # the very ranking of the test
        assert ranked["Hit@3"] == pytest.approx(trained.metrics["test"]["Hit@3"])
        assert ranked["NDCG@3"] == pytest.approx(trained.metrics["test"]["NDCG@3"])
    assert f"{ranked['NDCG@3']:.4f}" in printed and f"{found['bounded']['Hit@3']:.4f}" in printed
    counts = interaction_counts(store, split.train_end)
    with open("one/exposure_items.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["consumed"]) for row in rows] == counts[1:].tolist()
    places = 3 * found["users"]
    for row in rows:
        limit = 1.5 * int(row["consumed"]) / counts.sum() * places
        assert int(row["exposed_bounded"]) <= limit + 1e-6
    shown = np.array([int(row["exposed"]) for row in rows])
    assert shown.sum() == places == round(ranked["filled"] * places)
    assert ranked["coverage"] == (shown > 0).mean()
    assert found["bounded"]["gini"] < ranked["gini"]  # what the bound is for
    for decile in ranked["deciles"]:
        mine = [int(row["exposed"]) for row in rows if int(row["decile"]) == decile["decile"]]
        assert decile["exposed"] == pytest.approx(sum(mine) / places)


@pytest.fixture
def again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run on 30 users who take three items twice, and then another, every second one of them."""
    monkeypatch.chdir(tmp_path)
    rows = [
        (f"u{user}", f"i{(user + place) % 7}", step)
        for user in range(30)
        for step, place in enumerate((0, 1, 2, 0, 1, 2, 0 if user % 2 else 3))
    ]
    write_atomic(tmp_path / "data", "again", rows)
    given = {**SMALL, **SMALL_OWN, "data_path": str(tmp_path / "data"), "topk": [3, 7]}
    run("FPARec", "again", config_dict={**given, "run_dir": "one"})
    return load("one")


def test_targets_seen_before_are_told(again: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The lists leave them out, the test does not: both are shown, and how many they are."""
    assert main(["analyze", "exposure", "one", "--k=7"]) == 0
    printed = capsys.readouterr().out
    found = json.loads(Path("one/exposure.json").read_text())
    test = again.metrics["test_seen_masked"]
    assert found["targets_seen_before"] == 0.5
    assert found["tested"] == {
        "protocol": "test_seen_masked", "Hit@7": test["Hit@7"], "NDCG@7": test["NDCG@7"],
    }  # fmt: skip
    # of 7 items all are within the first 7: the lists lack those seen before and no others
    assert (found["lists"]["Hit@7"], test["Hit@7"]) == (0.5, 1.0)
    (row,) = (line for line in printed.splitlines() if line.startswith("test_seen_masked "))
    assert row.split()[1:3] == ["1.0000", f"{test['NDCG@7']:.4f}"]
    assert printed.splitlines()[-2] == (
        "Hit, NDCG: of the lists as a user sees them; 50.00 % of the test items were seen before, "
        "so that no list holds them. test_seen_masked: the run's own test, which never masks the "
        "target."
    )


def test_a_metric_that_the_run_has_not_taken(
    again: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "exposure", "one", "--k=4"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(Path("one/exposure.json").read_text())["tested"] is None
    assert "test_seen_masked" not in printed and "50.00 % of the test items" in printed
    assert main(["analyze", "exposure", "one", "--k=3", "--include_seen"]) == 0
    printed = capsys.readouterr().out
    test = again.metrics["test"]
    (row,) = (line for line in printed.splitlines() if line.startswith("test "))
    assert row.split()[1:3] == [f"{test[name]:.4f}" for name in ("Hit@3", "NDCG@3")]
    assert "seen before" not in printed


def test_several_runs_and_no_bound(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("one", "two")
    assert main(["analyze", "exposure", "one", "one/", "two", str(Path("one").absolute())]) == 0
    assert capsys.readouterr().out.count("FPARec on ring: top 10 of") == 2
    found = json.loads(Path("one/exposure.json").read_text())
    assert found["bounded"] is None and found["bound"] is None and found["k"] == 10


def test_a_place_of_its_own(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["analyze", "exposure", "one", "--items"]
    assert main(words) == 0
    before = Path("one/exposure.json").read_bytes(), Path("one/exposure_items.csv").read_bytes()
    assert main([*words, "--k=3", "--out=three.json"]) == 0
    assert json.loads(Path("three.json").read_text())["k"] == 3
    assert Path("three.items.csv").read_text().startswith("item,decile,consumed,exposed\n")
    assert before == (
        Path("one/exposure.json").read_bytes(), Path("one/exposure_items.csv").read_bytes(),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["exposure.json", "exposure_items.csv"])
def test_where_nothing_can_be_written_nothing_is_scored(
    name: str, trained: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("one", name).mkdir()
    monkeypatch.setattr("recbole_ext.runner.load", None)
    assert main(["analyze", "exposure", "one", "--items"]) == 2
    place = Path("one", name).absolute()
    assert capsys.readouterr().err == f"error: without --out: {place} is a folder\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["one", "two", "--out=x.json"], "--out: x.json is one file for 2 runs; name one run"),
        (["none"], "none is no run folder: it does not exist"),
        (["one", "--k=0"], "--k: 0 must be a whole number of 1 or more"),
        (["one", "--bound=-1"], "--bound: -1.0 must be a number > 0"),
        (["one", "--bound=nan"], "--bound: nan must be a number > 0"),
        (["one", "--bound=1e-9"], "--bound: 1e-09 leaves no item for 80 users"),
        (["one", "--batch_size=x"], "--batch_size: 'x' must be a whole number of 1 or more"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_refused(
    words: list[str], line: str, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("one", "two")
    assert main(["analyze", "exposure", *words]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {line}"
