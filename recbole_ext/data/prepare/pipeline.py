"""From a raw file to an atomic file and a report on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from recbole_ext.data.catalog import KnownDataset, known_datasets
from recbole_ext.data.prepare.download import download
from recbole_ext.data.prepare.filters import apply_filters
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.readers.columns import columns_reader
from recbole_ext.data.prepare.registry import Reader, get_reader, guess_format, known_file_names
from recbole_ext.data.prepare.settings import Columns, Filters, choose_filters
from recbole_ext.data.prepare.source import Source
from recbole_ext.data.prepare.statistics import Statistics, statistics_of, table
from recbole_ext.data.prepare.writer import check_target, write_atomic
from recbole_ext.errors import DataError, nearest

DOWNLOADS = "downloads"  # the folder under data_path where raw files are kept
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class PrepareReport:
    """What `prepare` did.

    path: the .inter file; sha256: its hash; source: the raw file; format: the one named or guessed;
    filters: what was applied; raw_interactions: rows read, before the filters;
    statistics: of what was written; described: rows of the .item file, None if there is none;
    source_sha256: of a raw file that was downloaded.
    """

    path: Path
    dataset: str
    source: Path
    format: str
    filters: Filters
    raw_interactions: int
    statistics: Statistics
    sha256: str
    described: int | None = None
    source_sha256: str | None = None

    def __str__(self) -> str:
        known = known_datasets().get(self.dataset)
        kept = f"{self.statistics.interactions:,} of {self.raw_interactions:,} interactions kept"
        how = "; ".join(filter(None, (f"format {self.format}", str(self.filters), kept)))
        lines = [f"{self.path} from {self.source} ({how})"]
        lines.append(table(self.statistics, known.published if known else None))
        if self.described is not None:
            lines.append(f"titles and genres of {self.described:,} items in {self.path.stem}.item")
        if self.described is None and self.path.with_suffix(".item").exists():
            lines.append(f"{self.path.stem}.item was there and stays: is it of these items?")
        if self.source_sha256:
            lines.append(f"sha256 {self.source_sha256} of {self.source}")
        return "\n".join([*lines, f"sha256 {self.sha256}"])


def prepare(
    input: str | Path | None,
    dataset: str,
    data_path: str | Path = "dataset",
    format: str | None = None,
    columns: Columns | None = None,
    overwrite: bool = False,
    **filters: int | str | None,
) -> PrepareReport:
    """Turn a raw file into `<data_path>/<dataset>/<dataset>.inter`, and `.item` where it has items.

    input: a plain, .gz, .xz, .bz2 or .zip file; None downloads a known data set's;
    format: one of `registry.FORMATS`, guessed if None; columns: of a table of any other format;
    filters: the fields of `Filters`; None, or left out, takes the known data set's own.
    Raises DataError (one line: file, line, reason) before anything is written.
    """
    known = _check_name(dataset)
    given = choose_filters(filters, {})
    folder = Path(data_path) / dataset
    check_target(folder / f"{dataset}.inter", overwrite)
    path, fetched = (
        (input, None) if input is not None else _download(dataset, known, Path(data_path))
    )
    source, reader, format = _open(Path(path), format, columns, known)
    chosen = given if reader.filtered or known is None else choose_filters(filters, known.filters)
    raw = _read(source, reader)
    log, items = apply_filters(raw, chosen), reader.items(source)
    sha256 = write_atomic(log, folder, overwrite, items)  # last: what stops before leaves nothing
    return PrepareReport(
        folder / f"{dataset}.inter",
        dataset,
        source.path,
        format,
        chosen,
        len(raw),
        statistics_of(log),
        sha256,
        described=None if items is None else items.count(log.item_tokens),
        source_sha256=fetched,
    )


def _check_name(dataset: str) -> KnownDataset | None:
    if not _NAME.fullmatch(dataset) or dataset == DOWNLOADS:
        reason = "a name of letters, digits, '.', '_' and '-' is needed"
        raise DataError(f"dataset {dataset!r}: {reason}, and not {DOWNLOADS!r}")
    known = known_datasets().get(dataset)
    if known is not None and known.bundled:
        raise DataError(
            f"dataset {dataset!r}: RecBole reads its own copy by this name, take another"
        )
    return known


def _download(dataset: str, known: KnownDataset | None, data_path: Path) -> tuple[Path, str]:
    if known is None or known.url is None:
        able = [name for name, one in known_datasets().items() if one.url]
        near = "" if known else nearest(dataset, able)
        reason = f"cannot be downloaded, as {', '.join(able)} can{near}"
        raise DataError(f"dataset {dataset!r} {reason}; give its raw file by --input=FILE")
    target = data_path / DOWNLOADS / known.file
    return target, download(known.url, target, sha256=known.sha256, size=known.size)


def _open(
    path: Path, format: str | None, columns: Columns | None, known: KnownDataset | None
) -> tuple[Source, Reader, str]:
    """The raw file, and what reads it."""
    if columns is not None:
        if format not in (None, "columns"):
            raise DataError(f"format {format!r}: its columns are known, leave out their names")
        return Source(path), columns_reader(columns), "columns"
    source = Source(path, known_file_names() if format is None else get_reader(format).file_names)
    format = format or guess_format(source, usual=known.format if known else None)
    return source, get_reader(format), format


def _read(source: Source, reader: Reader) -> Log:
    log = reader.read(source)
    if not len(log):
        raise DataError(f"{source.label}: is empty")
    return log
