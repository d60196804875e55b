import shutil
from pathlib import Path

import pytest

from recbole_ext import paths


@pytest.fixture
def properties(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the library's properties that a test may add files to."""
    copy = tmp_path / "properties"
    shutil.copytree(paths.properties_dir(), copy)
    monkeypatch.setattr(paths, "properties_dir", lambda: copy)
    return copy
