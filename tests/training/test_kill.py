"""A run that is killed again and again ends in the weights of one that never was."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from recbole_ext.training.run_folder import METRICS_FILE, MODEL_FILE, RESUME_FILE

EPOCHS = 120
KILLS = 10


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "recbole_ext", *words]


def run_arguments(data_path: Path, run_dir: Path) -> list[str]:
    keys = {
        "model": "FPARec", "dataset": "ring", "data_path": data_path, "run_dir": run_dir,
        "epochs": EPOCHS, "stopping_step": EPOCHS, "MAX_ITEM_LIST_LENGTH": 8, "hidden_size": 16,
        "inner_size": 16, "factor_rank": 4, "train_batch_size": 8, "torch_threads": 1, "seed": 7,
        "long_sequences": "chunk", "use_gpu": False, "lr_schedule": "cosine", "warmup_steps": 10,
    }  # fmt: skip
    return ["run", *(f"--{key}={value}" for key, value in keys.items())]


def kill_at_a_random_moment(words: list[str], run_dir: Path, moment: float) -> bool:
    """Start a command, kill it ``moment`` seconds after its first epoch; true if it lived."""
    state = run_dir / RESUME_FILE
    before = written(state)
    child = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while written(state) == before and child.poll() is None:
        time.sleep(0.001)
    try:
        child.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def written(state: Path) -> int:
    return state.stat().st_mtime_ns if state.exists() else 0


@pytest.mark.slow
def test_ten_kills_change_nothing(ring: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(*run_arguments(ring, whole)), check=True, capture_output=True)
    moments = random.Random(1)
    commands = [run_arguments(ring, killed), *[["resume", str(killed)]] * (KILLS - 1)]
    kills = [kill_at_a_random_moment(one, killed, moments.uniform(0, 0.3)) for one in commands]
    assert sum(kills) >= 3, "the moments must fall into training"
    if not (killed / METRICS_FILE).exists():
        subprocess.run(command("resume", str(killed)), check=True, capture_output=True)
    for name in (MODEL_FILE, RESUME_FILE):
        expected, found = load_file(whole / name), load_file(killed / name)
        assert expected.keys() == found.keys()
        assert all(expected[key].equal(found[key]) for key in expected), name
    assert not [file.name for file in killed.iterdir() if file.name.startswith(".")]
