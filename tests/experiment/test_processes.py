"""Jobs in processes of their own: stopped, killed, on Ray."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy import begun, job, times, write_file

pytestmark = pytest.mark.usefixtures("quiet_place")


def command(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "recbole_ext", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["Ctrl-C in a terminal", "SIGTERM", "SIGTERM behind a shell"])
def test_stopped_it_prints_no_traceback(how: str, ring: Path) -> None:
    """A terminal interrupts the whole group, and the comparison its jobs once more."""
    write_file({"b": job(epochs=3000, stopping_step=3000)})
    inherited = signal.SIG_IGN if "behind" in how else signal.SIG_DFL  # whatever runs the tests
    child = subprocess.Popen(
        [sys.executable, "-m", "recbole_ext", "compare", "e.yaml", "--data_path", str(ring)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, inherited),
    )  # fmt: skip
    while not Path("saved/e/b/7/resume.safetensors").exists():
        assert child.poll() is None
        time.sleep(0.05)
    if "SIGTERM" in how:
        child.terminate()
    else:
        os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert "Traceback" not in out + err
    assert err.endswith("interrupted; the same command goes on from here\n")


@pytest.mark.slow
def test_killed_without_warning(ring: Path) -> None:
    """SIGKILL of the comparison ends its jobs too; the next one goes on."""
    write_file({"a": job(), "b": job(epochs=3000, stopping_step=3000)})
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    child = command(*words)
    resume = Path("saved/e/b/7/resume.safetensors")
    while not resume.exists():
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = times(Path("results/e"))
    assert list(done) == ["a/7/metrics.json"]
    time.sleep(2)
    state = resume.stat().st_mtime_ns
    time.sleep(2)
    assert resume.stat().st_mtime_ns == state, "the job lives on"
    for file in (Path("saved/e/b/7/config.yaml"), Path("e.yaml")):
        file.write_text(file.read_text().replace("epochs: 3000", "epochs: 3"))
    assert command(*words).wait(timeout=300) == 0
    assert times(Path("results/e")).items() >= done.items()
    assert [begun(Path("saved/e", name, "7")) for name in "ab"] == [1, 2]


@pytest.mark.slow
def test_on_ray(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    write_file({"a": job(), "gone": {"model": "PARec", "dataset": "nowhere"}})
    ended = command("compare", "e.yaml", "--data_path", str(ring), "--ray")
    assert ended.wait(timeout=500) == 1
    assert list(times(Path("results/e"))) == ["a/7/metrics.json"]
