"""Run folders: never shared, nothing half-written, a log of their own."""

from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.evaluation.per_user import PerUser
from recbole_ext.training import checkpoint
from recbole_ext.training.run_folder import (
    CONFIG_FILE,
    METRICS_FILE,
    RESUME_FILE,
    RunFolder,
    current_folder,
)


def create(parent: Path, run_dir: Path | None = None) -> RunFolder:
    chosen = None if run_dir is None else str(run_dir)
    return RunFolder.create("M", "d", str(parent), chosen)


def test_fresh_names_differ(tmp_path: Path) -> None:
    folders = {create(tmp_path).path for _ in range(50)}
    assert len(folders) == 50
    assert {folder.parent for folder in folders} == {tmp_path.resolve()}
    assert all(folder.name.startswith("M-d-") for folder in folders)


def test_a_folder_of_ones_choice(tmp_path: Path) -> None:
    folder = create(tmp_path, tmp_path / "a" / "b")
    assert folder.path == (tmp_path / "a" / "b").resolve()
    assert folder.file("x") == folder.path / "x"


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert create(tmp_path, tmp_path / "empty").path.name == "empty"


def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing can be written."""

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)


def test_a_full_disk_leaves_no_folder_that_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create(tmp_path, tmp_path / "new")
    _full(monkeypatch)
    with pytest.raises(ConfigError) as error:
        folder.begin("epochs: 1\n")
    assert str(error.value) == f"run_dir: cannot write in {folder.path}: No space left on device"
    assert not folder.path.exists()


def test_what_could_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create(tmp_path)
    folder.write_json(METRICS_FILE, {"old": 1})
    _full(monkeypatch)
    with pytest.raises(OSError, match="No space left on device") as error:
        folder.write_json(METRICS_FILE, {"new": 1})
    assert error.value.filename == str(folder.file(METRICS_FILE))
    assert json.loads(folder.file(METRICS_FILE).read_text()) == {"old": 1}


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes").touch()
    with pytest.raises(ConfigError) as error:
        create(tmp_path, tmp_path / "used")
    used = tmp_path / "used"
    assert str(error.value) == (
        f"run_dir: {used} is not empty; resume it with 'recbole_ext resume {used}' or choose "
        "another folder"
    )
    assert [file.name for file in used.iterdir()] == ["notes"]


def test_of_runs_that_begin_together_one_gets_the_folder(tmp_path: Path) -> None:
    def attempt(_: int) -> bool:
        try:
            create(tmp_path, tmp_path / "same")
        except ConfigError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    with pytest.raises(ConfigError, match="is not empty"):
        create(tmp_path, tmp_path / "same")


@pytest.mark.parametrize("below", ["file", "file/below"])
def test_a_file_in_the_way(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"^run_dir: cannot make {tmp_path / below}: "):
        create(tmp_path, tmp_path / below)


def test_open_needs_a_run_folder(tmp_path: Path) -> None:
    reasons = {tmp_path: "it has no config.yaml", tmp_path / "absent": "it does not exist"}
    for place, reason in reasons.items():
        with pytest.raises(CheckpointError) as error:
            RunFolder.open(place)
        assert str(error.value) == f"{place} is no run folder: {reason}"
    (tmp_path / CONFIG_FILE).touch()
    assert RunFolder.open(str(tmp_path)).path == tmp_path.resolve()


def test_texts_replace_texts(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_text("a", "first")
    folder.write_text("a", "second, β")
    assert folder.file("a").read_text(encoding="utf-8") == "second, β"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def _write_text(folder: RunFolder, name: str) -> None:
    folder.write_text(name, "mine")


def _write_tensors(folder: RunFolder, name: str) -> None:
    checkpoint.write(folder, name, {"a": torch.zeros(2)}, {})


def _write_ranks(folder: RunFolder, name: str) -> None:
    ids, ranks = np.ones(1, dtype=np.int64), np.ones(1)
    with folder.replacing(name) as beside:
        PerUser(ids, ranks, ranks, ids, ids, ids).write(beside, "digest")


@pytest.mark.parametrize("write", [_write_text, _write_tensors, _write_ranks])
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_says_who_may_read(
    mask: int, mode: int, write: Callable[[RunFolder, str], None], tmp_path: Path
) -> None:
    before = os.umask(mask)
    try:
        write(RunFolder(tmp_path), "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_text("a", "the old text, whole")
    with folder.file("a").open() as reader:
        folder.write_text("a", "new")
        assert reader.read() == "the old text, whole"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_text("a", "old")
    with pytest.raises(KeyboardInterrupt), folder.replacing("a") as beside:
        beside.write_text("half of the ne")
        raise KeyboardInterrupt
    assert folder.file("a").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_json_is_strict(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_json(METRICS_FILE, {"a": [1, 0.1]})
    assert json.loads(folder.file(METRICS_FILE).read_text()) == {"a": [1, 0.1]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.write_json(METRICS_FILE, {"a": float("nan")})
    assert json.loads(folder.file(METRICS_FILE).read_text()) == {"a": [1, 0.1]}
    assert [file.name for file in tmp_path.iterdir()] == [METRICS_FILE]


def test_sweep_removes_what_a_kill_left(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    kept = {METRICS_FILE, "log.txt", ".hidden"}
    for name in (*kept, f".{METRICS_FILE}.abc", ".resume.safetensors.x1"):
        (tmp_path / name).touch()
    folder.sweep()
    assert {file.name for file in tmp_path.iterdir()} == kept


def _killed_while_writing(folder: Path) -> None:
    with RunFolder(folder).replacing(RESUME_FILE) as beside:
        beside.with_name(".tmpUigBEA").touch()  # as safetensors, which writes beside and renames
        os.kill(os.getpid(), signal.SIGKILL)


def test_sweep_removes_what_a_killed_writer_left_beside_its_file(tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(
        target=_killed_while_writing, args=(tmp_path,)
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert list(tmp_path.iterdir())
    RunFolder(tmp_path).sweep()
    assert not list(tmp_path.iterdir())


def test_logs_of_two_runs_stay_apart(tmp_path: Path) -> None:
    first, second = create(tmp_path), create(tmp_path)
    log = logging.getLogger("recbole_ext")
    before = logging.getLogger().handlers[:], logging.getLogger().level
    with first.logging():
        assert current_folder() == first.path
        log.info("to the first")
    with second.logging():
        logging.getLogger().info("to the %s", "second")
    log.warning("to none")
    assert first.file("log.txt").read_text().splitlines()[0].endswith(" INFO to the first")
    assert second.file("log.txt").read_text().splitlines()[0].endswith(" INFO to the second")
    assert [len(f.file("log.txt").read_text().splitlines()) for f in (first, second)] == [1, 1]
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


def test_an_interrupted_run_is_still_the_current_one(tmp_path: Path) -> None:
    folder = create(tmp_path)
    with pytest.raises(KeyboardInterrupt), folder.logging():
        raise KeyboardInterrupt
    assert current_folder() == folder.path
    with create(tmp_path).logging():
        pass
    assert current_folder() is None
