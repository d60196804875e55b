"""Python files of the user's own, imported by path for the model classes that they register."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from recbole_ext.errors import ConfigError

_imported: list[str] = []


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--import`` to the parser of a command that needs models by name."""
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="FILE.py",
        help="import this first: it registers model classes of yours; may be repeated",
    )


def import_files(given: Iterable[str]) -> None:
    """Import files, each once in a process.

    Raises:
        ConfigError: no Python file, or one whose name belongs to another module.
    """
    for name in given:
        file = Path(name).resolve()
        if not file.is_file() or file.suffix != ".py":
            raise ConfigError(f"--import: {name} is no Python file")
        if str(file) not in _imported:
            _import(file)
            _imported.append(str(file))


def imported() -> tuple[str, ...]:
    """Absolute paths of the files so far: what a process that is started has to import too."""
    return tuple(_imported)


def _is_taken(file: Path) -> bool:
    """Whether ``import <its name>`` means, or would mean, another file."""
    if file.stem in sys.modules:
        return True
    found = importlib.util.find_spec(file.stem)
    return found is not None and (found.origin is None or Path(found.origin).resolve() != file)


def _import(file: Path) -> None:
    if not file.stem.isidentifier():
        raise ConfigError(f"--import: {file}: '{file.stem}' cannot be a module's name; rename it")
    if _is_taken(file):
        raise ConfigError(f"--import: {file}: there is another module '{file.stem}'; rename it")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None  # a .py file always has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[file.stem]
        raise
