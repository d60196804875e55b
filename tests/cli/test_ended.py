"""What ends a command before its end: one line, and the exit code."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small import as_arguments

from recbole_ext.cli import main
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def test_a_nan_is_no_mistake_of_the_command_line(
    capsys: pytest.CaptureFixture[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = SequenceTrainer._step
    monkeypatch.setattr(SequenceTrainer, "_step", lambda *args: step(*args) * float("nan"))
    assert main(["run", "--model=FPARec", "--dataset=ring", *as_arguments(settings())]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: the training loss became NaN in epoch 0; lower learning_rate")


def test_a_full_disk_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever it is met; the run goes on from its folder."""

    def full(**_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/x/metrics.json")

    monkeypatch.setattr("recbole_ext.runner.run", full)
    monkeypatch.setattr("recbole_ext.training.run_folder.current_folder", lambda: Path("/x"))
    assert main(["run", "--model=FPARec", "--dataset=ml-100k"]) == 2
    assert capsys.readouterr().err == (
        "error: /x/metrics.json could not be written (No space left on device); go on with: "
        "recbole_ext resume /x\n"
    )


@pytest.mark.parametrize("command", ["resume", "recommend", "analyze", "tune", "compare"])
def test_a_path_that_cannot_be_is_one_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "x" * 300
    words = {
        "recommend": [long, "--user=1"],
        "tune": ["--model=FPARec", "--dataset=ml-100k", f"--sweep_dir={long}"],
        "compare": ["fparec", "--quick", f"--out={long}"],
    }.get(command, [long])
    assert main([command, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and line.endswith("File name too long")


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_interrupting_tells_how_to_go_on(
    how: str,
    capsys: pytest.CaptureFixture[str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = {"Ctrl-C": _interrupt, "SIGTERM": _terminate}[how]
    with monkeypatch.context() as patch:
        patch.setattr(SequenceTrainer, "rank_with_best", stopped)
        words = as_arguments(settings(run_dir="place"))
        assert main(["run", "--model=FPARec", "--dataset=ring", *words]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    place = Path("place").resolve()
    assert last == f"interrupted; go on with: recbole_ext resume {place}"
    assert main(["resume", str(place)]) == 0
    assert capsys.readouterr().out.endswith(f"run folder: {place}\n")


def _interrupt(*args: object) -> None:
    raise KeyboardInterrupt


def _terminate(*args: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_out_of_memory_is_one_line(
    capsys: pytest.CaptureFixture[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SequenceTrainer, "_step", lambda *_: torch.empty(2**60))
    assert main(["run", "--model=FPARec", "--dataset=ring", *as_arguments(settings())]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: out of memory (")
    assert last.endswith(
        "; a smaller train_batch_size, eval_batch_size or MAX_ITEM_LIST_LENGTH needs less"
    )
