"""`recbole_ext prepare`: raw files in, RecBole's atomic files out.

The way of the data: `Source` (lines of a plain or packed file) -> a reader (one file per format in
`readers/`) -> `Log` -> `keep_core` (minimum counts) -> `write_atomic` -> `PrepareReport`.
A new format is one file in `readers/` and one line in `registry.FORMATS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recbole_ext.data.prepare.command import add_arguments, main

if TYPE_CHECKING:
    from recbole_ext.data.prepare.pipeline import PrepareReport, prepare

__all__ = ["PrepareReport", "add_arguments", "main", "prepare"]


def __getattr__(name: str) -> Any:
    """Import the pipeline, and numpy with it, only when it is used: `--help` needs neither."""
    if name not in ("PrepareReport", "prepare"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from recbole_ext.data.prepare import pipeline

    return getattr(pipeline, name)
