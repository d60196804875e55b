"""compare with classes of a user's own: found, watched, and told of where they fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from toy import job, write_file

pytestmark = pytest.mark.usefixtures("quiet_place")

MODEL = """
from recbole_ext import register_model
from recbole_ext.model.fparec import FPARec

@register_model("mine.yaml")
class Mine(FPARec):
    pass
"""


def compared(ring: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which alone imports mine.py."""
    command = [sys.executable, "-m", "recbole_ext", "compare", "e.yaml", "--import", "mine.py"]
    given = [*command, "--data_path", str(ring), *words]
    return subprocess.run(given, capture_output=True, text=True)


def test_a_models_own_yaml_that_has_changed(ring: Path) -> None:
    Path("mine.py").write_text(MODEL)
    write_file({"m": {"model": "Mine", "dataset": "ring"}})
    said = []
    for heads in (1, 1, 2):
        Path("mine.yaml").write_text(f"base: FPARec\nn_heads: {heads}\n")
        ended = compared(ring)
        assert ended.returncode == 0, ended.stderr
        said.append("is kept though it has other settings now (n_heads); to run" in ended.stderr)
    assert said == [False, False, True]


FAULTY = """
import torch
from recbole_ext import register_model
from recbole_ext.model.fparec import FPARec

@register_model("mine.yaml")
class Peeping(FPARec):
    def encode(self, item_seq, last_only=False, user=None):
        states = super().encode(item_seq, user=user)
        states = states + states.flip(1).cumsum(1).flip(1)
        return states[:, -1:] if last_only else states

@register_model("mine.yaml")
class Broken(FPARec):
    def __init__(self, config, dataset):
        raise RuntimeError("first line\\nsecond line")
"""


def test_what_is_wrong_with_classes_of_ones_own(ring: Path) -> None:
    """Several at a time show no log: a warning and the place of a fault are told all the same."""
    Path("mine.py").write_text(FAULTY)
    Path("mine.yaml").write_text("base: FPARec\n")
    write_file({"p": job("Peeping"), "b": job("Broken")})
    ended = compared(ring, "--workers", "2")
    assert ended.returncode == 1
    said = ended.stderr.splitlines()
    assert any(line.startswith("p, seed 7: Peeping: the state of a slot changes") for line in said)
    place = rf"\({Path('mine.py').absolute()}, line 16, in __init__\)"
    reason = rf"failed: b, seed 7: RuntimeError: first line second line {place}"
    assert re.fullmatch(reason, said[-1])


def test_a_class_of_ones_own(ring: Path) -> None:
    """Known by its name in the file, where --import names its module."""
    Path("mine.py").write_text(MODEL)
    Path("mine.yaml").write_text("base: FPARec\n")
    write_file({"m": job("Mine")})
    assert compared(ring).returncode == 0
    assert json.loads(Path("results/e/m/7/metrics.json").read_text())["model"] == "Mine"
