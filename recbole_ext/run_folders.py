"""Run folders that a command line names. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recbole_ext.runner import Run


def add_data_path(parser: argparse.ArgumentParser) -> None:
    """Add ``--data_path``, which :func:`loaded` takes."""
    parser.add_argument(
        "--data_path", metavar="DIR", help="where the data sets' folders lie, if they have moved"
    )


def loaded(run_dir: str | Path, data_path: str | None) -> Run:
    """The model of a run, its data read from ``data_path`` if that is given.

    Raises:
        UserError: as :func:`recbole_ext.load`.
    """
    from recbole_ext.runner import load

    return load(run_dir, cli_args=[] if data_path is None else [f"--data_path={data_path}"])
