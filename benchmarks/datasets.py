"""Where the atomic files of a benchmark lie."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from recbole_ext.data.catalog import missing_data_message
from recbole_ext.errors import DataError

BUNDLED = "ml-100k"  # lies in RecBole's wheel


def folder_of(dataset: str, data_path: str | Path) -> Path:
    """The folder to look for ``dataset`` in; RecBole's own, without importing it, if bundled."""
    spec = find_spec("recbole") if dataset == BUNDLED else None
    if spec is None or spec.origin is None:
        return Path(data_path).resolve()
    return Path(spec.origin).parent / "dataset_example"


def check_exists(dataset: str, data_path: str | Path) -> None:
    """Raises DataError with the command that brings the missing file."""
    atomic = Path(data_path) / dataset / f"{dataset}.inter"
    if dataset != BUNDLED and not atomic.is_file():
        raise DataError(missing_data_message(dataset, atomic))
