"""Data sets known by name: what they are, where they come from, how `prepare` filters them.

Each is one file of properties/prepare; a new one needs no code.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from recbole_ext import paths
from recbole_ext.config.sources import read_yaml
from recbole_ext.data.prepare.settings import Filters
from recbole_ext.errors import ConfigError, nearest, show

FILTER_KEYS = tuple(key.name for key in fields(Filters))


@dataclass(frozen=True)
class KnownDataset:
    """A data set with published figures.

    variant, source: what it is, by whom; published: users, items, interactions to compare with;
    url: where its raw file lies, None where nobody may fetch it unasked; file: the name to save it
    under; size, sha256: of that file, where they are known; format: of that file;
    filters: what the papers apply to the raw interactions; bundled: it lies in RecBole's wheel.
    """

    name: str
    variant: str
    source: str
    published: Mapping[str, int]
    url: str | None = None
    file: str = ""
    size: int | None = None
    sha256: str | None = None
    format: str | None = None
    bundled: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)


def known_datasets() -> Mapping[str, KnownDataset]:
    """The data sets of properties/prepare by name. Raises ConfigError for a file that is none."""
    return _read_folder(paths.properties_dir() / "prepare")


def missing_data_message(dataset: str, expected_file: str | Path) -> str:
    """One line for DataError: the file is missing, and the command that brings it.

    expected_file: `<data_path>/<dataset>/<dataset>.inter`.
    """
    missing = f"dataset {dataset!r}: {expected_file} is missing"
    command = _command(dataset, str(Path(expected_file).parent.parent))
    entry = known_datasets().get(dataset)
    if entry is None:
        near = nearest(dataset, known_datasets())
        return f"{missing}{near}; make it from a raw file by: {command} --input=FILE"
    if entry.bundled:
        return f"{missing}; it comes with RecBole: python -m pip install --no-deps recbole==1.2.1"
    if entry.url is None:
        return (
            f"{missing}; make it ({entry.variant}) from {entry.source} by: {command} --input=FILE"
        )
    return f"{missing}; get it ({entry.variant}) by: {command}"


def _command(dataset: str, data_path: str) -> str:
    where = f"--dataset={shlex.quote(dataset)} --data_path={shlex.quote(data_path)}"
    return f"python -m recbole_ext prepare {where}"


@cache
def _read_folder(folder: Path) -> Mapping[str, KnownDataset]:
    return {file.stem: _read(file) for file in sorted(folder.glob("*.yaml"))}


def _read(file: Path) -> KnownDataset:
    name = paths.relative_name(file)
    values = read_yaml(file, name)
    filters = {key: values.pop(key) for key in FILTER_KEYS if key in values}
    _check_keys(name, values)
    if not values.get("bundled") and values.get("url"):
        values.setdefault("file", values["url"].rsplit("/", 1)[-1])
    return KnownDataset(name=file.stem, filters=filters, **values)


def _check_keys(name: str, values: Mapping[str, Any]) -> None:
    allowed = {key.name for key in fields(KnownDataset)} - {"name", "filters"}
    for key in values:
        if key not in allowed:
            known = [*allowed, *FILTER_KEYS]
            raise ConfigError(f"{name}: the key {show(key)} is unknown{nearest(key, known)}")
    for key in ("variant", "source", "published"):
        if key not in values:
            raise ConfigError(f"{name}: the key {key!r} is missing")
