"""From a raw file to an atomic file and a report on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from recbole_ext.data.catalog import KnownDataset, known_datasets
from recbole_ext.data.prepare.cleaning import (
    Cleaner,
    Cleaning,
    LeftOut,
    changed_lines,
    left_out_lines,
)
from recbole_ext.data.prepare.download import download
from recbole_ext.data.prepare.encodings import check_encoding
from recbole_ext.data.prepare.filters import apply_filters
from recbole_ext.data.prepare.item_file import find_items, read_items
from recbole_ext.data.prepare.items import check_described, item_lines
from recbole_ext.data.prepare.log import Log
from recbole_ext.data.prepare.readers.columns import columns_reader
from recbole_ext.data.prepare.registry import Reader, get_reader, guess_format, known_file_names
from recbole_ext.data.prepare.settings import Columns, Filters, ItemColumns, choose_filters
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
    source_sha256: of a raw file that was downloaded; left_out: bad rows of the raw file;
    notes: lines on rows left out, ids changed and items, as they are printed.
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
    left_out: LeftOut = field(default_factory=LeftOut)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        known = known_datasets().get(self.dataset)
        kept = f"{self.statistics.interactions:,} of {self.raw_interactions:,} interactions kept"
        how = "; ".join(filter(None, (f"format {self.format}", str(self.filters), kept)))
        lines = [f"{self.path} from {self.source} ({how})"]
        lines.append(table(self.statistics, known.published if known else None))
        lines += self.notes
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
    *,
    bad_rows: str = "error",
    spaces: str | None = None,
    encoding: str | None = None,
    items: ItemColumns | None = None,
    **filters: int | str | None,
) -> PrepareReport:
    """Turn a raw file into `<data_path>/<dataset>/<dataset>.inter`, and `.item` where it has items.

    input: a plain, .gz, .xz, .bz2 or .zip file; None downloads a known data set's;
    format: one of `registry.FORMATS`, guessed if None; columns: of a table of any other format;
    bad_rows, spaces: see `Cleaning`, for tables by their columns and for `items`;
    encoding: of the raw files, None is UTF-8; items: a table that says more of the items;
    filters: the fields of `Filters`; None, or left out, takes the known data set's own.
    Raises DataError (one line: file, line, reason) before anything is written.
    """
    known = _check_name(dataset)
    given = choose_filters(filters, {})
    cleaning, encoding = Cleaning(bad_rows, spaces), check_encoding(encoding)
    if cleaning != Cleaning() and columns is None and items is None:
        raise DataError("--bad_rows, --spaces: are for columns named by --user_col and --item_col")
    folder = Path(data_path) / dataset
    check_target(folder / f"{dataset}.inter", overwrite)
    path, fetched = (
        (input, None) if input is not None else _download(dataset, known, Path(data_path))
    )
    cleaner = Cleaner(cleaning)
    source, reader, format = _open(Path(path), format, columns, known, cleaner, encoding)
    chosen = given if reader.filtered or known is None else choose_filters(filters, known.filters)
    item_col = columns.item if columns else None
    found = None if items is None else find_items(items, item_col, encoding)
    raw = _read(source, reader, cleaner)
    notes = [*left_out_lines(source.label, cleaner.left_out, len(raw))]
    notes += changed_lines(cleaner.changed())
    log = apply_filters(raw, chosen)
    described = reader.items(source) if found is None else read_items(found, cleaner)
    if found is not None and described is not None:
        check_described(described, log.item_tokens, found.source.label)
    # The last step: what stops before it leaves nothing.
    sha256 = write_atomic(log, folder, overwrite, described)
    if described is not None:
        notes += item_lines(described, log.item_tokens, dataset)
    return PrepareReport(
        folder / f"{dataset}.inter",
        dataset,
        source.path,
        format,
        chosen,
        len(raw),
        statistics_of(log),
        sha256,
        described=None if described is None else described.count(log.item_tokens),
        source_sha256=fetched,
        left_out=cleaner.left_out,
        notes=tuple(notes),
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
    path: Path,
    format: str | None,
    columns: Columns | None,
    known: KnownDataset | None,
    cleaner: Cleaner,
    encoding: str | None,
) -> tuple[Source, Reader, str]:
    """The raw file, and what reads it."""
    if columns is not None:
        if format not in (None, "columns"):
            raise DataError(f"format {format!r}: its columns are known, leave out their names")
        return Source(path, encoding=encoding), columns_reader(columns, cleaner), "columns"
    names = known_file_names() if format is None else get_reader(format).file_names
    source = Source(path, names, encoding=encoding)
    format = format or guess_format(source, usual=known.format if known else None)
    return source, get_reader(format), format


def _read(source: Source, reader: Reader, cleaner: Cleaner) -> Log:
    log = reader.read(source)
    if not len(log) and cleaner.left_out.total:
        reasons = "; ".join(cleaner.left_out.reasons())
        raise DataError(f"{source.label}: none of its rows can be used: {reasons}")
    if not len(log):
        raise DataError(f"{source.label}: is empty")
    return log
