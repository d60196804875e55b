"""The benchmark itself: its command line, its subprocesses, and a tiny measurement."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.launch import launch
from benchmarks.peers.protocol import Figures, Task
from benchmarks.registry import BASE, PEERS, Peer
from benchmarks.training_speed import main

FIELDS = set(Figures.__dataclass_fields__) | {
    "key", "title", "peak_rss_gb", "microseconds_per_target", "ratios",
}  # fmt: skip
ML_100K = {"users": 943, "items": 1682, "interactions": 100_000}
PREFIXES = 97_171  # training rows of RecBole on ml-100k
LENGTH = 5

TASK = Task("data", "toy", 5, epochs=1, batches=2, batches_as_shipped=3, args={"answer": 42})


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a peer of some lines of Python, in a folder that is not this project's."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(source: str) -> Peer:
        (tmp_path / "stranger.py").write_text(source)
        return Peer("A stranger", "stranger")

    return make


def test_peer_gets_the_task_and_answers_by_its_last_line(stranger: Any) -> None:
    peer = stranger(
        "import json, os, sys\n"
        "from benchmarks.peers.protocol import peak_rss_gb, read_task\n"
        "task = read_task()\n"
        "print('noise')\n"
        "print(json.dumps([task.args, task.max_length, sys.argv[1:], os.listdir('.'),\n"
        "    os.environ['OMP_NUM_THREADS'], os.environ['CUDA_VISIBLE_DEVICES'],\n"
        "    0.001 < peak_rss_gb() < 100]))\n"
    )
    assert launch(peer, TASK, threads=3) == [{"answer": 42}, 5, [], [], "3", "", True]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise MemoryError('no more')", "MemoryError: no more"),
        ("import os; os._exit(9)", "exit status 9"),
        ("print('done')", "its last line is not JSON"),
        ("", "its last line is not JSON"),
    ],
)
def test_failing_peer_is_told_in_a_line(stranger: Any, source: str, error: str) -> None:
    assert launch(stranger(source), TASK, threads=1) == {"error": error}


def test_missing_interpreter_is_told_in_a_line() -> None:
    peer = Peer("Gone", "stranger", python="/nowhere/python")
    assert launch(peer, TASK, 1) == {"error": "FileNotFoundError: No such file or directory"}


def test_failed_peer_stays_in_the_report_and_sets_the_exit_code(tmp_path: Path) -> None:
    arguments = ["--datasets", "ml-100k:5", "--peers", BASE, "--out", str(tmp_path)]
    assert main([*arguments, "--python", f"{BASE}=/nowhere/python"]) == 1
    entry = json.loads((tmp_path / "training_speed.json").read_text())["datasets"][0]
    assert [p["error"] for p in entry["peers"]] == ["FileNotFoundError: No such file or directory"]


def launched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Instead of measuring, notes which interpreter runs which module on which task."""
    calls: list[Any] = []

    def note(peer: Peer, task: Task, threads: int) -> dict[str, str]:
        calls.append((peer, task))
        return {"error": "not run"}

    monkeypatch.setattr("benchmarks.training_speed.launch", note)
    return calls


def test_peers_without_interpreter_are_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = launched(monkeypatch)
    assert main(["--datasets", "ml-100k:5", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(
        "RecTools SASRec, softmax is left out; it has an environment of its own: "
        "--python rectools=PATH\n"
    )
    assert [peer for peer, _ in calls] == [p for key, p in PEERS.items() if key != "rectools"]


def test_peer_runs_in_the_environment_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = launched(monkeypatch)
    arguments = ["--datasets", "ml-100k:5", "--out", str(tmp_path)]
    main([*arguments, "--python", "rectools=/elsewhere/python"])
    assert "left out" not in capsys.readouterr().err
    found = {peer.module.rpartition(".")[2]: (peer.python, task) for peer, task in calls}
    python, task = found["rectools_sasrec"]
    assert python == "/elsewhere/python"
    assert Path(task.data_path, "ml-100k", "ml-100k.inter").is_file()
    assert found["recbole_sasrec"][0] == sys.executable


def test_missing_data_stop_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["--data_path", str(tmp_path), "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("error: dataset 'ml-1m': ")
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--datasets", "ml-1m"], "'ml-1m' is not NAME:LENGTH, such as ml-1m:200"),
        (["--datasets", "ml-1m:0"], "'ml-1m:0' is not NAME:LENGTH, such as ml-1m:200"),
        (["--batches", "0"], "'0' is not a whole number of 1 or more"),
        (["--python", "rectools"], "'rectools' is not PEER=PATH"),
        (["--python", "rectool=/x"], "'rectool=/x' is not PEER=PATH"),
        (["--peers", "rectool"], "invalid choice: 'rectool'"),
        (
            ["--peers", "rectools"],
            "rectools needs an interpreter; it has an environment of its own: "
            "--python rectools=PATH",
        ),
        (["--base", "rectools"], "the peer rectools needs an interpreter"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def measured(out: Path, base: str, peers: list[str]) -> dict[str, dict[str, Any]]:
    """A tiny measurement on ml-100k; the entries of the JSON by their keys."""
    arguments = ["--datasets", f"ml-100k:{LENGTH}", "--out", str(out), "--threads", "1"]
    tiny = ["--epochs", "1", "--batches", "2", "--batches_as_shipped", "1"]
    assert main([*arguments, *tiny, "--base", base, "--peers", *peers]) == 0
    (entry,) = json.loads((out / "training_speed.json").read_text())["datasets"]
    assert (entry["dataset"], entry["max_length"]) == ("ml-100k", LENGTH)
    return {peer["key"]: peer for peer in entry["peers"]}


def check(peer: dict[str, Any], base: dict[str, Any]) -> None:
    """All fields, with relations that must hold whatever the machine."""
    assert set(peer) == FIELDS
    assert peer["data"] == ML_100K
    assert peer["threads"] == 1
    assert peer["versions"]["recbole"] == "1.2.1"
    assert peer["preparation_seconds"] > 0 and 0.1 < peer["peak_rss_gb"] < 10
    per_target = peer["seconds_per_epoch"] / peer["targets_per_epoch"]
    assert peer["microseconds_per_target"] == pytest.approx(1e6 * per_target)
    for ratio, key in [("epoch", "seconds_per_epoch"), ("memory", "peak_rss_gb")]:
        assert peer["ratios"][ratio] == pytest.approx(base[key] / peer[key])


def test_measures_a_model_of_ours(tmp_path: Path) -> None:
    (peer,) = measured(tmp_path, "fparec-chunk", ["fparec-chunk"]).values()
    check(peer, peer)
    assert peer["targets_per_epoch"] == PREFIXES
    assert peer["measured"] == "median of 1 epochs"


@pytest.mark.slow
def test_measures_every_peer(tmp_path: Path) -> None:
    peers = measured(tmp_path, BASE, [key for key, peer in PEERS.items() if peer.python])
    for peer in peers.values():
        check(peer, peers[BASE])
    shipped, base, vanilla = peers["sasrec-as-shipped"], peers[BASE], peers["vanilla-ar"]
    assert shipped["settings"]["anomaly_detection"] is True
    assert base["settings"]["anomaly_detection"] is False
    assert shipped["measured"] == "extrapolated from 1 batches (an epoch has 48)"
    assert base["measured"] == "extrapolated from 2 batches (an epoch has 48)"
    # Of the same shape, they are the same size to the last number.
    assert vanilla["parameters"] == base["parameters"]
    for key in (BASE, "sasrec-as-shipped", "fparec-chunk"):
        assert peers[key]["targets_per_epoch"] == PREFIXES
    # Every user of ml-100k has 20 ratings or more: truncated to L, each trains L targets.
    for key in ("fparec", "fparec-float32", "vanilla-ar"):
        assert peers[key]["targets_per_epoch"] == 943 * LENGTH
    assert peers["fparec-float32"]["settings"]["loss"].endswith("float32")
    text = (tmp_path / "training_speed.md").read_text()
    assert all(f"| {peer.title} " in text for peer in PEERS.values() if peer.python)
