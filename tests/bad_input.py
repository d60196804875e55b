"""What it means that input is refused."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from recbole_ext.cli import main

HEADER = "user_id:token\titem_id:token\ttimestamp:float"
KEYS = {
    "MAX_ITEM_LIST_LENGTH": 8,
    "epochs": 2,
    "hidden_size": 16,
    "inner_size": 16,
    "factor_rank": 4,
    "use_gpu": False,
    "torch_threads": 1,
    "show_progress": False,
}


def snapshot(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` and a digest of its content."""
    paths = sorted(folder.rglob("*"))
    return {
        str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
        for p in paths
    }


class Refused:
    """Runs commands that must be refused; what they may not touch is ``folder``."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, *argv: str) -> str:
        """The one line that says why, without ``folder``."""
        before = snapshot(self.folder)
        code = main(argv)
        out, err = self.capsys.readouterr()
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert err.startswith("error: ") and err.endswith("\n") and err[:-1].isprintable()
        assert snapshot(self.folder) == before
        return err.removeprefix("error: ")[:-1].replace(f"{self.folder}/", "")
