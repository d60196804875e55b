"""Finished runs that several analyses look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from trained import train


@pytest.fixture(scope="session")
def trained(ring: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of run folders, one for each model of ``trained.MODELS``."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("trained")
    train(folder, ring)
    return folder
