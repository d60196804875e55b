"""Run folders that a command line names. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_ext.files import checked_output

if TYPE_CHECKING:
    from recbole_ext.runner import Run


def add_data_path(parser: argparse.ArgumentParser) -> None:
    """Add ``--data_path``, which :func:`loaded` takes."""
    parser.add_argument(
        "--data_path", metavar="DIR", help="where the data sets' folders lie, if they have moved"
    )


def opened(names: Iterable[str]) -> list[Path]:
    """The folders of runs, each once, however it is written.

    Raises:
        CheckpointError: one that is no run folder.
    """
    from recbole_ext.training.run_folder import RunFolder

    return list(dict.fromkeys(RunFolder.open(name).path for name in names))


def report_place(output: Path | None, run_dir: str | Path, name: str) -> Path:
    """Where a report goes, refused before any work: ``--out``, else ``name`` in the run folder.

    Args:
        output: what :func:`recbole_ext.files.checked_output` found of ``--out``.

    Raises:
        CheckpointError: no run folder.
        ConfigError: the file cannot be written there.
    """
    (folder,) = opened([str(run_dir)])
    inside = output or checked_output("without --out", str(folder / name))
    assert inside is not None  # a name was given
    return inside


def loaded(run_dir: str | Path, data_path: str | None) -> Run:
    """The model of a run, its data read from ``data_path`` if that is given.

    Raises:
        UserError: as :func:`recbole_ext.load`.
    """
    from recbole_ext.runner import load

    return load(run_dir, cli_args=[] if data_path is None else [f"--data_path={data_path}"])
