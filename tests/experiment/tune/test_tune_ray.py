"""Sweeps by Ray itself, in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ray")

from tune_cases import words, write_space

from recbole_ext.cli import main
from recbole_ext.errors import ConfigError
from recbole_ext.experiment import ray_start
from recbole_ext.experiment.tune.folder import SweepFolder, TrialFolder

pytestmark = pytest.mark.usefixtures("quiet_place")


def test_a_sweep_by_ray(
    ring: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places: list[str] = []
    make = tempfile.mkdtemp

    def noting(*args: Any, **more: Any) -> str:
        places.append(make(*args, **more))
        return places[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", noting)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    sweep = {"trials": 3, "max_epochs": 3, "grace": 1, "seed": 3}
    space = write_space(tmp_path / "space.yaml", sweep=sweep)
    place = tmp_path / "sweep"
    assert main(words(ring, place, space)) == 0
    out, err = capsys.readouterr()
    trials = SweepFolder(place).trials()
    assert [trial.number for trial in trials] == [0, 1, 2]
    for trial in trials:
        status, reason = trial.status()
        epochs = [report.epochs for report in trial.history()]
        assert (status, epochs[-1] == 3) in (("finished", True), ("stopped", False)), reason
        assert epochs == list(range(1, len(epochs) + 1))
        lines = [f"trial {trial.number}: epoch {number}  NDCG@10 " for number in epochs]
        assert all(err.count(line) == 1 for line in lines), "a report at every validation"
    best = max(report.score for trial in trials for report in trial.history())
    assert f"{best:.4f}" in out and f"run folder: {place / 'final'}" in out
    assert (place / "final" / "metrics.json").exists() and not (place / ".ray").exists()
    left = {file.name for file in place.iterdir()} - {".lock"}
    assert left == {"space.yaml", "trials", "trials.csv", "best.yaml", "final"}
    assert places and not any(Path(one).exists() for one in places)
    assert list(home.iterdir()) == []


MINE = """
from recbole_ext import register_model
from recbole_ext.model.fparec import FPARec

@register_model("mine.yaml")
class Mine(FPARec):
    pass
"""


def test_trials_import_what_the_sweep_imports(ring: Path) -> None:
    """A class of the user's own is known in the processes of its trials, too."""
    Path("mine_of_tune.py").write_text(MINE)
    Path("mine.yaml").write_text("base: FPARec\n")
    place, space = Path("sweep").absolute(), write_space(Path("space.yaml").absolute())
    argv = words(ring, place, space, model="Mine", trials=1, max_epochs=1, epochs=1)
    sweep = Started([*argv, "--import=mine_of_tune.py"], place)
    assert sweep.child.wait(timeout=300) == 0, sweep.err.read_text()
    assert SweepFolder(place).trial(0).status() == ("finished", "")


def test_a_ray_that_does_not_start(
    ring: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "nonsense")
    space = write_space(Path("space.yaml").absolute())
    assert main(words(ring, Path("sweep").absolute(), space)) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("error: Ray did not start: Invalid address format: nonsense (RAY_ADDR")


def test_a_ray_that_does_not_start_leaves_sigterm_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise RuntimeError("no room")

    def own(*_: object) -> None:
        """A handler of the command line's."""

    monkeypatch.setattr(ray_start, "_start", fails)
    before = signal.signal(signal.SIGTERM, own)
    try:
        with pytest.raises(ConfigError, match="no room"), ray_start.ray_running(1):
            pytest.fail("it has started")
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


class Started:
    """A sweep in a process group of its own, as a terminal starts one."""

    def __init__(self, argv: list[str], place: Path) -> None:
        self.place, self.err = place, place.parent / "err.txt"
        with open(self.err, "w") as err:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "recbole_ext", *argv],
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
            )

    def wait_for(self, trial: int, epochs: int) -> None:
        """Until that trial has reported so many epochs."""
        folder = SweepFolder(self.place).trial(trial)
        while self.child.poll() is None:
            if folder.config_file.exists() and len(folder.history()) >= epochs:
                return
            time.sleep(0.02)
        raise AssertionError(f"the sweep ended too early: {self.err.read_text()}")


def histories(place: Path) -> dict[int, bytes]:
    ended = [trial for trial in SweepFolder(place).trials() if trial.has_ended]
    return {trial.number: (trial.path / "history.jsonl").read_bytes() for trial in ended}


def scores(trial: TrialFolder) -> list[tuple[int, float]]:
    return [(report.epochs, report.score) for report in trial.history()]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_resumed(ring: Path, tmp_path: Path, how: signal.Signals) -> None:
    """A long last trial is stopped in its middle; what has ended stays, the rest goes on."""
    sweep = {"trials": 3, "max_epochs": 300, "grace": 300, "seed": 3}
    space = write_space(tmp_path / "space.yaml", sweep=sweep)
    place = tmp_path / "sweep"
    argv = [*words(ring, place, space, stopping_step=300, long_sequences="chunk"), "--no-rerun"]
    started = Started(argv, place)
    started.wait_for(trial=1, epochs=20)
    os.killpg(started.child.pid, how)
    code = started.child.wait(timeout=60)
    assert code == (130 if how is signal.SIGINT else -signal.SIGKILL)
    if how is signal.SIGINT:
        last = started.err.read_text().splitlines()[-1]
        assert last == f"interrupted; go on with: recbole_ext tune --resume={place}"
    ended = histories(place)
    interrupted = SweepFolder(place).trial(1)
    before = scores(interrupted)
    assert set(ended) == {0} and 20 <= len(before) < 300

    resume = [sys.executable, "-m", "recbole_ext", "tune", f"--resume={place}", "--no-rerun"]
    done = subprocess.run([*resume, "--workers=1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {number: histories(place)[number] for number in ended} == ended
    assert "trial 0: epoch" not in done.stderr
    assert scores(interrupted)[: len(before) - 1] == before[:-1]
    assert len(scores(interrupted)) == 300
    again = [line for line in done.stderr.splitlines() if line.startswith("trial 1: epoch ")]
    assert len(again) <= 300 - len(before) + 1, "it went on where it was"
    assert set(histories(place)) == {0, 1, 2}
    best = yaml.safe_load((place / "best.yaml").read_text())
    assert best["hidden_size"] in (8, 16)


@pytest.fixture
def cluster() -> Iterator[dict[str, str]]:
    """A Ray of one machine that was there before; gives the environment that names it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="rbt") as place:
        own = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": place}
        environment = {**os.environ, **own, "PYTHONPATH": str(Path(__file__).parents[3])}
        start = f"start --head --block --port={port} --num-cpus=2 --include-dashboard=false"
        options = ["--node-ip-address=127.0.0.1", f"--temp-dir={place}", "--disable-usage-stats"]
        ray = str(Path(sys.executable).with_name("ray"))
        head = subprocess.Popen(
            [ray, *start.split(), *options],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert head.stdout is not None
        told = ""
        while "Ray runtime started" not in told:
            line = head.stdout.readline()
            assert line, f"no cluster: {told}"
            told += line
        yield {**environment, "RAY_ADDRESS": f"127.0.0.1:{port}"}
        os.killpg(head.pid, signal.SIGTERM)
        head.wait(timeout=60)


@pytest.mark.slow
def test_on_a_cluster(ring: Path, tmp_path: Path, cluster: dict[str, str]) -> None:
    """The trials run in the cluster's processes, and the cluster is still there after."""
    sweep = {"trials": 3, "max_epochs": 2, "grace": 1, "seed": 3}
    space = write_space(tmp_path / "space.yaml", sweep=sweep)
    place = tmp_path / "sweep"
    argv = [sys.executable, "-m", "recbole_ext", *words(ring, place, space), "--no-rerun"]
    done = subprocess.run(argv, env=cluster, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(histories(place)) == 3
    code = "import ray; ray.init(log_to_driver=False); print(ray.cluster_resources()['CPU'])"
    asked = subprocess.run(
        [sys.executable, "-c", code], env=cluster, capture_output=True, text=True, check=True
    )
    assert asked.stdout.split()[-1] == "2.0"
