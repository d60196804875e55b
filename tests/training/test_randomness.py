"""Random sources go on where they were."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import torch

from recbole_ext.training import checkpoint
from recbole_ext.training.randomness import random_tensors, restore_random, undisturbed
from recbole_ext.training.run_folder import RunFolder


class Loader:
    generator = torch.Generator()


def draws() -> list[float]:
    return [
        random.random(),
        random.gauss(0, 1),
        *np.random.randn(3),
        torch.rand(1).item(),
        torch.rand(1, generator=Loader.generator).item(),
    ]


def test_random_sources_go_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    draws()  # numpy and random keep half of a pair of normal numbers
    tensors, rest = random_tensors(Loader)
    checkpoint.write(folder, "r", tensors, rest)
    expected = draws()
    found, found_rest = checkpoint.read(folder.file("r"))
    restore_random(Loader, found, json.loads(json.dumps(found_rest)))
    assert draws() == expected


def test_undisturbed() -> None:
    before, rest = random_tensors(Loader)
    expected = draws()
    restore_random(Loader, before, rest)
    with undisturbed():
        random.seed(1)
        np.random.seed(2)
        torch.manual_seed(3)
    assert draws() == expected
