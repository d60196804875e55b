"""What several test files share: small data sets, small configurations, finished runs."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: steady speed and sums

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from small import SMALL, SMALL_OWN, write_atomic

from recbole_ext import registry

hypothesis.settings.register_profile("untimed", deadline=None)  # machines are shared
hypothesis.settings.load_profile("untimed")

WriteAtomic = Callable[..., Path]
Settings = Callable[..., dict[str, Any]]

ROOT = Path(__file__).parents[1]
SHARED_DATA = Path(os.environ.get("RECBOLE_EXT_SHARED_DATA", ROOT.parent / "shared" / "data"))


def cycling_rows(users: int = 80, items: int = 30, seed: int = 0) -> list[tuple[str, str, float]]:
    """Users of 3 to 16 items who mostly take the next item of a ring: something to be learned."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        item = int(rng.integers(items))
        for step in range(int(rng.integers(3, 17))):
            rows.append((f"u{user}", f"i{item}", 1_700_000_000.0 + 100 * step + user / 128))
            item = (item + 1 if rng.random() < 0.8 else int(rng.integers(items))) % items
    return [rows[i] for i in rng.permutation(len(rows))]


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data_path that holds the small data set ``ring``."""
    return write_atomic(tmp_path_factory.mktemp("data"), "ring", cycling_rows())


@pytest.fixture
def settings(ring: Path, tmp_path: Path) -> Settings:
    """A config_dict for a quick run on ``ring``; keywords override."""

    def make(own: bool = True, **overrides: Any) -> dict[str, Any]:
        places = {"data_path": str(ring), "checkpoint_dir": str(tmp_path / "saved")}
        return {**SMALL, **(SMALL_OWN if own else {}), **places, **overrides}

    return make


@pytest.fixture
def ml_100k(tmp_path: Path) -> Settings:
    """A config_dict for a quick run on the ml-100k of RecBole's wheel; keywords override."""

    def make(own: bool = True, **overrides: Any) -> dict[str, Any]:
        places = {"data_path": str(tmp_path / "none"), "checkpoint_dir": str(tmp_path / "saved")}
        return {**SMALL, **(SMALL_OWN if own else {}), **places, **overrides}

    return make


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """The raw file of a published data set; skips the test where no copy is at hand."""

    def find(name: str) -> Path:
        path = SHARED_DATA / f"{name}.txt.xz"
        if not path.exists():
            pytest.skip(f"{path.name} is not at hand: set RECBOLE_EXT_SHARED_DATA to its folder")
        return path

    return find


@pytest.fixture
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RecBole makes folders wherever the process stands; let that be nowhere in the project."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def registers_nothing_for_good() -> Iterator[None]:
    """What a test registers as a model of its own is unknown to the next."""
    before = dict(registry.REGISTERED)
    yield
    registry.REGISTERED.clear()
    registry.REGISTERED.update(before)
