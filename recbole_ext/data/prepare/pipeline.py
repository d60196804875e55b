"""From a raw file to an atomic file and a report on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from recbole_ext.data.catalog import CATALOG
from recbole_ext.data.prepare.filters import keep_core
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.registry import get_reader, guess_format, known_file_names
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.statistics import Statistics, statistics_of, table
from recbole_ext.data.prepare.writer import check_target, write_atomic
from recbole_ext.errors import DataError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class PrepareReport:
    """What `prepare` did.

    path: the .inter file; sha256: its hash; format: the one named or guessed;
    raw_interactions: rows read, before the minimum counts; statistics: of what was written.
    """

    path: Path
    dataset: str
    format: str
    raw_interactions: int
    statistics: Statistics
    sha256: str

    def __str__(self) -> str:
        known = CATALOG.get(self.dataset)
        kept = f"{self.statistics.interactions:,} of {self.raw_interactions:,} interactions kept"
        return "\n".join(
            [
                f"{self.path} (format {self.format}; {kept})",
                table(self.statistics, known.published if known else None),
                f"sha256 {self.sha256}",
            ]
        )


def prepare(
    input: str | Path,
    dataset: str,
    data_path: str | Path = "dataset",
    format: str | None = None,
    min_user: int = 0,
    min_item: int = 0,
    overwrite: bool = False,
) -> PrepareReport:
    """Turn a raw file into `<data_path>/<dataset>/<dataset>.inter`.

    input: a plain, .gz, .xz, .bz2 or .zip file; format: one of `registry.FORMATS`, guessed if None;
    min_user, min_item: interactions a user and an item must keep, applied until nothing changes.
    Raises DataError (one line: file, line, reason) before anything is written.
    """
    _check(dataset, min_user, min_item)
    folder = Path(data_path) / dataset
    check_target(folder / f"{dataset}.inter", overwrite)
    raw, format = _read(input, format)
    log = keep_core(raw, min_user, min_item)
    statistics = statistics_of(log)
    sha256 = write_atomic(log, folder, overwrite)  # last: what stops before leaves nothing
    path = folder / f"{dataset}.inter"
    return PrepareReport(path, dataset, format, len(raw), statistics, sha256)


def _check(dataset: str, min_user: int, min_item: int) -> None:
    if not _NAME.fullmatch(dataset):
        raise DataError(
            f"dataset {dataset!r}: a name of letters, digits, '.', '_' and '-' is needed"
        )
    if dataset in CATALOG and CATALOG[dataset].url is None:
        raise DataError(
            f"dataset {dataset!r}: RecBole reads its own copy by this name, take another"
        )
    for key, value in (("min_user", min_user), ("min_item", min_item)):
        if value < 0:
            raise DataError(f"{key}={value}: a number of interactions, 0 or more, is needed")


def _read(input: str | Path, format: str | None) -> tuple[Log, str]:
    names = known_file_names() if format is None else get_reader(format).file_names
    source = Source(input, names)
    format = format or guess_format(source)
    log = get_reader(format).read(source)
    if not len(log):
        raise DataError(f"{source.label}: is empty")
    return log, format
