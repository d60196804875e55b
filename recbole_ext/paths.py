"""Where the library's own files lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def properties_dir() -> Path:
    """The folder of the library's YAML files.

    A wheel carries it inside the package; a checkout has it at the top level.
    """
    inside = _PACKAGE / "properties"
    return inside if inside.is_dir() else _PACKAGE.parent / "properties"


def relative_name(file: Path) -> str:
    """``properties/model/FPARec.yaml`` for a file under ``properties_dir()``, for messages.

    A file elsewhere keeps its full path.
    """
    if not file.is_relative_to(properties_dir()):
        return str(file)
    return f"properties/{file.relative_to(properties_dir()).as_posix()}"
