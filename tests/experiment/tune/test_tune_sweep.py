"""A whole sweep: what it leaves, and that a stopped one goes on without doing anything twice."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ray")

from tune_cases import SPACE, without_ray, words, write_space

from recbole_ext import run
from recbole_ext.cli import main
from recbole_ext.experiment.tune.folder import Report, SweepFolder, TrialFolder
from recbole_ext.experiment.tune.plan import Asked, plan
from recbole_ext.experiment.tune.space import read_space
from recbole_ext.experiment.tune.state import State, TrialState
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return write_space(tmp_path / "space.yaml")


def rows(place: Path) -> list[dict[str, str]]:
    with open(place / "trials.csv", newline="") as file:
        return list(csv.DictReader(file))


def without_seconds(place: Path) -> list[dict[str, str]]:
    return [{name: row[name] for name in row if name != "seconds"} for row in rows(place)]


def texts(folder: Path) -> dict[str, str]:
    """Every file below a folder that is text."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_file() and file.suffix not in (".safetensors", ".0"):
            found[str(file.relative_to(folder))] = file.read_text(errors="replace")
    return found


class Interrupted:
    """Ctrl-C at the n-th validation of a trial, once; counts all validations."""

    def __init__(self, trial: int, epochs: int) -> None:
        self.at, self.seen = (trial, epochs), Counter[tuple[int, int]]()

    def __call__(self, trial: TrialFolder, report: Report) -> None:
        self.seen[trial.number, report.epochs] += 1
        if (trial.number, report.epochs) == self.at and self.seen[self.at] == 1:
            raise KeyboardInterrupt


def test_a_sweep(
    ring: Path,
    tmp_path: Path,
    space: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tested: list[Path] = []
    ranked = SequenceTrainer.rank_with_best

    def noting(trainer: SequenceTrainer, *args: Any) -> Any:
        tested.append(trainer.folder.path)
        return ranked(trainer, *args)

    monkeypatch.setattr(SequenceTrainer, "rank_with_best", noting)
    without_ray(monkeypatch)
    place = tmp_path / "sweep"
    assert main(words(ring, place, space)) == 0
    out = capsys.readouterr().out
    assert tested == [place / "final"], "only the final run may touch the test items"

    table = rows(place)
    assert [row["trial"] for row in table] == ["0", "1", "2", "3"]
    assert {row["status"] for row in table} == {"finished", "stopped"}
    best = max(table, key=lambda row: float(row["best_validation"]))
    written = yaml.safe_load((place / "best.yaml").read_text())
    assert written["learning_rate"] == float(best["learning_rate"])
    assert written["hidden_size"] == written["inner_size"] == int(best["hidden_size"])
    assert (written["epochs"], written["seed"], written["model"]) == (6, 7, "FPARec")
    trained = sum(int(row["epochs"]) for row in table)
    stopped = sum(row["status"] == "stopped" for row in table)
    assert f"4 trials, {stopped} stopped early: {trained} of 16 epochs trained; stopping" in out
    assert 4 <= trained < 16

    metrics = json.loads((place / "final" / "metrics.json").read_text())
    assert metrics["epochs"] == 6
    again = run(config_file_list=[str(place / "best.yaml")], config_dict={"run_dir": "again"})
    assert again.metrics["test"] == metrics["test"]
    assert main(["tune", f"--resume={place}"]) == 2
    assert "has finished; its best run is in final" in capsys.readouterr().err


def test_more_trials_than_it_was_begun_with(
    ring: Path,
    tmp_path: Path,
    space: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They are those that the longer sweep would have had; another best one is run in full."""
    without_ray(monkeypatch)
    place = tmp_path / "sweep"
    assert main(words(ring, place, space)) == 0
    assert main(["tune", f"--resume={place}", "--trials=4"]) == 2
    assert capsys.readouterr().err.endswith("--trials: 4 must be more than the 4 of the sweep\n")
    before = rows(place)
    stops = Interrupted(4, 1)
    without_ray(monkeypatch, stops)
    assert main(["tune", f"--resume={place}", "--trials=8"]) == 130
    without_ray(monkeypatch)
    first = json.loads((place / "final" / "metrics.json").read_text())
    assert main(["tune", f"--resume={place}"]) == 0, "it knows by now that they are 8"
    table = rows(place)
    assert table[:4] == before and len(table) == 8, "these are all the configurations there are"
    assert yaml.safe_load((place / "space.yaml").read_text())["sweep"]["trials"] == 8
    best = max(table, key=lambda row: float(row["best_validation"]))
    last = json.loads((place / "final" / "metrics.json").read_text())
    moved = place / "final-1" / "metrics.json"
    if best in before:
        assert last == first and not moved.exists()
    else:
        assert last != first and json.loads(moved.read_text()) == first
    written = yaml.safe_load((place / "best.yaml").read_text())
    assert written["learning_rate"] == float(best["learning_rate"])
    assert main(words(ring, tmp_path / "whole", space, trials=8)) == 0
    drawn = ("trial", "learning_rate", "hidden_size")
    whole = rows(tmp_path / "whole")
    assert [[row[key] for key in drawn] for row in whole] == (
        [[row[key] for key in drawn] for row in table]
    )


def test_the_run_of_an_earlier_best_is_kept(tmp_path: Path) -> None:
    folder = SweepFolder.create(tmp_path, "M", "d", None)
    (folder.path / "final").mkdir()
    folder.write_best("a: 1\n")
    folder.write_best("a: 1\n")
    assert folder.file("final").exists(), "the same configuration"
    folder.write_best("a: 2\n")
    assert not folder.file("final").exists() and folder.file("final-1").exists()
    folder.file("final").mkdir()
    folder.write_best("a: 3\n")
    assert {path.name for path in folder.path.glob("final*")} == {"final-1", "final-2"}


def test_no_test_metric_in_any_trial(
    ring: Path, tmp_path: Path, space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ray(monkeypatch)
    place = tmp_path / "sweep"
    assert main([*words(ring, place, space), "--no-rerun"]) == 0
    assert not (place / "final").exists()
    trial = SweepFolder(place).trials()[0]
    config = {**trial.config(), "run_dir": str(tmp_path / "tested")}
    finished = run(config.pop("model"), config.pop("dataset"), config_dict=config)
    reports = trial.history()
    told = max(report.metrics["NDCG@10"] for report in reports)
    if len(reports) == 4:
        assert told == finished.metrics["valid"]["NDCG@10"]
    test = {*finished.metrics["test"].values(), *finished.metrics["test_seen_masked"].values()}
    valid = {value for report in reports for value in report.metrics.values()}
    secret = [repr(value) for value in test - valid if len(repr(value)) > 12]
    assert len(secret) > 3
    for name, text in texts(place).items():
        assert not any(number in text for number in secret), name
        assert "metrics.json" not in name


def test_interrupted_and_resumed(
    ring: Path,
    tmp_path: Path,
    space: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    without_ray(monkeypatch)
    assert main([*words(ring, whole, space), "--no-rerun"]) == 0
    longest = max(rows(whole), key=lambda row: int(row["epochs"]))
    at, epochs = int(longest["trial"]), int(longest["epochs"]) - 1
    interrupt = Interrupted(at, epochs)
    without_ray(monkeypatch, interrupt)
    assert main([*words(ring, broken, space), "--no-rerun"]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"interrupted; go on with: recbole_ext tune --resume={broken}"
    ended = [trial for trial in SweepFolder(broken).trials() if trial.has_ended]
    before = {trial.number: (trial.path / "history.jsonl").stat() for trial in ended}
    assert len(before) == at

    assert main(["tune", f"--resume={broken}", "--no-rerun", "--workers=1"]) == 0
    after = {number: SweepFolder(broken).trial(number).path for number in before}
    assert {n: (path / "history.jsonl").stat() for n, path in after.items()} == before
    assert without_seconds(broken) == without_seconds(whole)
    twice = [report for report, times in interrupt.seen.items() if times > 1]
    assert twice == [], "what was reported is not trained again"
    assert (broken / "best.yaml").read_text() == (whole / "best.yaml").read_text()


def test_interrupted_while_rerunning(
    ring: Path,
    tmp_path: Path,
    space: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    without_ray(monkeypatch)
    place = tmp_path / "sweep"
    space = write_space(space, learning_rate=0.01)
    with monkeypatch.context() as patch:
        patch.setattr(SequenceTrainer, "rank_with_best", _interrupt)
        assert main(words(ring, place, space)) == 130
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"tune --resume={place}")
    table = (place / "trials.csv").read_bytes()
    assert main(["tune", f"--resume={place}"]) == 0
    assert (place / "trials.csv").read_bytes() == table
    assert json.loads((place / "final" / "metrics.json").read_text())["epochs"] == 6


def _interrupt(*args: object, **more: object) -> None:
    raise KeyboardInterrupt


def test_a_trial_that_fails_is_not_the_end(
    ring: Path,
    tmp_path: Path,
    space: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = SequenceTrainer._step

    def diverging(trainer: SequenceTrainer, *args: Any) -> Any:
        loss = step(trainer, *args)
        return loss * float("nan") if trainer.config["hidden_size"] == 8 else loss

    monkeypatch.setattr(SequenceTrainer, "_step", diverging)
    without_ray(monkeypatch)
    place = tmp_path / "sweep"
    assert main([*words(ring, place, space), "--no-rerun"]) == 0
    table = rows(place)
    failed = [row for row in table if row["status"] == "failed"]
    assert {row["hidden_size"] for row in failed} == {"8"}
    assert all(row["reason"].startswith("the training loss became NaN") for row in failed)
    assert {row["hidden_size"] for row in table if row not in failed} == {"16"}
    assert yaml.safe_load((place / "best.yaml").read_text())["hidden_size"] == 16
    trial = SweepFolder(place).trial(int(failed[0]["trial"]))
    assert "FloatingPointError" in (trial.path / "error.txt").read_text()

    capsys.readouterr()
    only = write_space(tmp_path / "only.yaml", hidden_size=8)
    assert main([*words(ring, tmp_path / "none", only), "--no-rerun"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert (
        "no trial ended with a validation; the first failed: the training loss became NaN" in line
    )


def test_a_failed_trial_is_never_the_best(space: Path) -> None:
    """It failed after its best validation; trained again it would fail again."""
    state = State(plan(Asked("FPARec", "ml-100k"), read_space(space)))
    for number, (status, score) in enumerate(
        [("finished", 0.1), ("failed", 0.5), ("stopped", 0.2), ("failed", None)]
    ):
        state.trials[number] = TrialState(number, {}, status, best=score)
    assert [trial.number for trial in state.ranked()] == [2, 0, 1, 3]
    assert state.best() is state.trials[2]
    for number in (0, 2):
        del state.trials[number]
    assert state.best() is None


def test_no_configuration_twice(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ray(monkeypatch)
    two = {"learning_rate": 0.01, "sweep": {**SPACE["sweep"], "max_epochs": 1}}  # type: ignore[dict-item]
    space = write_space(tmp_path / "two.yaml", **two)
    place = tmp_path / "sweep"
    assert main([*words(ring, place, space), "--no-rerun"]) == 0
    assert sorted(row["hidden_size"] for row in rows(place)) == ["16", "8"]


def test_optuna_learns_from_a_stopped_sweep(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna")
    space = write_space(tmp_path / "space.yaml", learning_rate={"loguniform": [1e-4, 1e-1]})
    place = tmp_path / "sweep"
    interrupt = Interrupted(2, 1)
    without_ray(monkeypatch, interrupt)
    search = [*words(ring, place, space, search="optuna"), "--no-rerun"]
    assert main(search) == 130
    before = [trial.config() for trial in SweepFolder(place).trials()]
    assert main(["tune", f"--resume={place}", "--no-rerun"]) == 0
    after = [trial.config() for trial in SweepFolder(place).trials()]
    assert after[: len(before)] == before and len(after) == 4
    assert max(interrupt.seen.values()) == 1
