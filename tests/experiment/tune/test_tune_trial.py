"""One trial, without a sweep: stopped and taken up again it finds what it would have found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.experiment.tune.folder import FAILED, FINISHED, Report, TrialFolder
from recbole_ext.experiment.tune.trial import train_trial
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")
Make = Callable[[str], TrialFolder]


@pytest.fixture
def make(settings: Callable[..., dict[str, Any]], tmp_path: Path) -> Make:
    config = settings(epochs=5, stopping_step=10, model="FPARec", dataset="ring")
    del config["checkpoint_dir"]

    def trial(name: str) -> TrialFolder:
        made = TrialFolder(tmp_path / name / "000")
        made.begin(config)
        return made

    return trial


def scores(trial: TrialFolder) -> list[tuple[int, float]]:
    return [(report.epochs, report.score) for report in trial.history()]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_taken_up_again(make: Make, stop: type[BaseException]) -> None:
    whole, broken = make("whole"), make("broken")
    train_trial(whole, lambda report: None)
    assert whole.status() == (FINISHED, "")

    def stopping(report: Report) -> None:
        if report.epochs == 2:
            raise stop

    with pytest.raises(stop):
        train_trial(broken, stopping)
    assert broken.status() == ("begun", "")
    assert scores(broken) == scores(whole)[:2]
    told: list[Report] = []
    train_trial(broken, told.append)
    assert [report.epochs for report in told] == [3, 4, 5]
    assert scores(broken) == scores(whole)
    metrics = [[report.metrics for report in trial.history()] for trial in (broken, whole)]
    assert metrics[0] == metrics[1]
    seconds = [report.seconds for report in broken.history()]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_the_test_items_are_left_alone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked = []
    rank = SequenceTrainer.rank

    def noting(trainer: SequenceTrainer, loader: Any) -> Any:
        ranked.append(loader)
        return rank(trainer, loader)

    monkeypatch.setattr(SequenceTrainer, "rank", noting)
    trial = make("one")
    train_trial(trial, lambda report: None)
    assert len(ranked) == 5 and len({id(loader) for loader in ranked}) == 1
    assert not (trial.run_dir / "metrics.json").exists()


def test_a_killed_start_begins_anew(make: Make) -> None:
    trial = make("one")
    trial.run_dir.mkdir()
    (trial.run_dir / "log.txt").touch()  # all that there is before config.yaml
    train_trial(trial, lambda report: None)
    assert trial.status() == (FINISHED, "") and len(trial.history()) == 5


def test_whatever_fails_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **more: object) -> None:
        raise RuntimeError("CUDA out\nof memory")

    monkeypatch.setattr(SequenceTrainer, "_train_epoch", fails)
    trial = make("one")
    train_trial(trial, lambda report: None)
    assert trial.status() == (FAILED, "CUDA out of memory")
    assert "RuntimeError: CUDA out" in (trial.path / "error.txt").read_text()
