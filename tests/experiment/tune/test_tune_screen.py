"""What a sweep shows."""

from __future__ import annotations

import io
from pathlib import Path

from recbole_ext.experiment.tune.folder import Report
from recbole_ext.experiment.tune.plan import Plan
from recbole_ext.experiment.tune.screen import Lines, LiveTable, table
from recbole_ext.experiment.tune.space import parse_space
from recbole_ext.experiment.tune.state import State, TrialState, duration, savings


def state(bigger: bool = True) -> State:
    space = parse_space({"h": [1, 2, 3], "sweep": {"trials": 3, "max_epochs": 10}}, "s.yaml")
    made = State(Plan("M", "d", space, "NDCG@10", bigger, Path()))
    for number, value in enumerate((1, 2, 3)):
        made.trials[number] = TrialState(number, {"h": value}, "waiting")
    return made


def report(epochs: int, score: float, seconds: float) -> Report:
    return Report(epochs, score, seconds, {})


def test_the_best_of_a_trial_is_kept() -> None:
    known = state()
    for epochs, score in ((1, 0.1), (2, 0.3), (3, 0.3), (4, 0.2)):
        known.reported(0, report(epochs, score, epochs))
    trial = known.trials[0]
    assert (trial.best, trial.epochs_to_best, trial.last, trial.epochs) == (0.3, 2, 0.2, 4)
    small = state(bigger=False)
    for epochs, score in ((1, 0.3), (2, 0.1), (3, 0.2)):
        small.reported(0, report(epochs, score, epochs))
    assert (small.trials[0].best, small.trials[0].epochs_to_best) == (0.1, 2)


def test_ranked() -> None:
    for bigger, order in ((True, [2, 1, 0]), (False, [1, 2, 0])):
        known = state(bigger)
        assert known.best() is None
        known.reported(2, report(1, 0.9, 1))
        known.reported(1, report(1, 0.0, 1))
        assert [trial.number for trial in known.ranked()] == order
        best = known.best()
        assert best is not None and best.number == order[0]


def test_savings() -> None:
    """Trial 0 trains all 10 epochs; trial 1 stops at 4: 2 s an epoch, 3 s before the first."""
    known = state()
    del known.trials[2]
    for epochs in range(1, 11):
        known.reported(0, report(epochs, 0.5, 3 + 2 * epochs))
    for epochs in range(1, 5):
        known.reported(1, report(epochs, 0.1, 3 + 2 * epochs))
    known.trials[0].status, known.trials[1].status = "finished", "stopped"
    assert savings(known) == (
        "2 trials, 1 stopped early: 14 of 20 epochs trained; stopping saved about 12 s of trials' "
        "time"
    )


def test_durations() -> None:
    assert [duration(s) for s in (0, 119, 120, 7199, 7200)] == [
        "0 s", "119 s", "2 min", "120 min", "2.0 h",
    ]  # fmt: skip


def test_lines() -> None:
    known, out = state(), io.StringIO()
    lines = Lines(known, out)
    lines.report(known.reported(1, report(1, 0.25, 1)))
    lines.report(known.reported(1, report(2, 0.125, 1)))
    known.trials[1].status = "stopped"
    lines.end(known.trials[1])
    known.trials[0].status, known.trials[0].reason = "failed", "no memory"
    lines.end(known.trials[0])
    assert out.getvalue().splitlines() == [
        "trial 1: epoch 1  NDCG@10 0.2500 *",
        "trial 1: epoch 2  NDCG@10 0.1250",
        "trial 1: stopped after 2 epochs, best 0.2500",
        "trial 0: failed: no memory",
    ]


def test_the_live_table_is_drawn_over_itself() -> None:
    known, out = state(), io.StringIO()
    live = LiveTable(known, out)
    live.report(known.reported(1, report(1, 0.25, 1)))
    first = out.getvalue()
    assert first.startswith("M on d: 3 of 3 trials begun, 1 of 30 epochs, ")
    live.close()
    again = out.getvalue()[len(first) :]
    assert again.startswith(f"\x1b[{first.count(chr(10))}F\x1b[J")
    assert "1        begun     0.2500" in again


def test_the_table_shows_the_best_first() -> None:
    known = state()
    known.reported(2, report(3, 0.5, 6))
    known.reported(0, report(3, 0.7, 6))
    rows = [line.split() for line in table(known, 2).splitlines()]
    assert rows[0] == ["trial", "status", "valid", "NDCG@10", "after", "epochs", "s", "h"]
    assert rows[2:] == [
        ["0", "begun", "0.7000", "3", "3", "6", "1"],
        ["2", "begun", "0.5000", "3", "3", "6", "3"],
    ]
