"""Folders of sweeps and trials: what is written can be read, and what is damaged is refused."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.experiment.tune.folder import (
    FAILED,
    FINISHED,
    Report,
    SweepFolder,
    TrialFolder,
)


@pytest.fixture
def trial(tmp_path: Path) -> TrialFolder:
    made = TrialFolder(tmp_path / "trials" / "003")
    made.begin({"hidden_size": 8, "model": "FPARec"})
    return made


def report(epochs: int, score: float) -> Report:
    return Report(epochs, score, epochs / 2, {"NDCG@10": score})


def test_a_trial_is_read_as_written(trial: TrialFolder) -> None:
    assert trial.number == 3
    assert trial.config() == {"hidden_size": 8, "model": "FPARec"}
    assert (trial.history(), trial.status(), trial.has_ended) == ([], ("waiting", ""), False)
    trial.add(report(1, 0.1))
    trial.add(report(2, 1 / 3))
    assert trial.history() == [report(1, 0.1), report(2, 1 / 3)]
    assert trial.status() == ("begun", "")


def test_an_epoch_trained_again_replaces_what_followed(trial: TrialFolder) -> None:
    for epochs in (1, 2, 3):
        trial.add(report(epochs, 0.1 * epochs))
    trial.add(report(2, 0.9))
    assert trial.history() == [report(1, 0.1), report(2, 0.9)]


def test_the_end_drops_the_resume_state(trial: TrialFolder) -> None:
    trial.run_dir.mkdir()
    (trial.run_dir / "resume.safetensors").touch()
    (trial.run_dir / "model.safetensors").touch()
    trial.end(FAILED, "no memory")
    assert (trial.status(), trial.has_ended) == ((FAILED, "no memory"), True)
    assert [file.name for file in trial.run_dir.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(
    "text",
    ["{", "3\n", '{"epochs": 1}\n', '{"epochs": "1", "score": 1, "seconds": 1, "metrics": {}}\n',
     '{"epochs": 1, "score": NaN, "seconds": 1, "metrics": {}}\n', "[" * 100_000, "\x00"],
)  # fmt: skip
def test_a_damaged_history(trial: TrialFolder, text: str) -> None:
    (trial.path / "history.jsonl").write_text(text)
    with pytest.raises(CheckpointError, match=r"history\.jsonl: not as a trial left it"):
        trial.history()


@pytest.mark.parametrize("text", ["", "{}", '{"status": "winning", "reason": ""}', "[]", "3"])
def test_a_damaged_result(trial: TrialFolder, text: str) -> None:
    (trial.path / "result.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"result\.json: not as a sweep left it"):
        trial.status()


def test_a_sweeps_trials(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    for number in (11, 2, 1000):
        folder.trial(number).begin({})
    (tmp_path / "trials" / "004").mkdir()  # a start that was interrupted at once
    (tmp_path / "trials" / "notes.txt").touch()
    assert [trial.number for trial in folder.trials()] == [2, 11, 1000]


def test_of_sweeps_that_begin_together_one_gets_the_folder(tmp_path: Path) -> None:
    def attempt(_: int) -> bool:
        try:
            SweepFolder.create(tmp_path, "FPARec", "ml-100k", str(tmp_path / "same"))
        except ConfigError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_one_process_a_sweep(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    with (
        folder.locked(),
        pytest.raises(ConfigError, match="another process runs this sweep"),
        SweepFolder(tmp_path).locked(),
    ):
        pass
    with folder.locked():
        pass


def test_the_table(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    rows = [{"trial": 0, "a": 0.1}, {"trial": 1, "a": None, "b": [1, "x"], "c": "y,z"}]
    folder.write_table(rows)
    with open(tmp_path / "trials.csv", newline="") as file:
        found = list(csv.DictReader(file))
    assert found == [
        {"trial": "0", "a": "0.1", "b": "", "c": ""},
        {"trial": "1", "a": "", "b": '[1, "x"]', "c": "y,z"},
    ]


def test_finished_is_an_end(trial: TrialFolder) -> None:
    trial.end(FINISHED)
    assert trial.has_ended
