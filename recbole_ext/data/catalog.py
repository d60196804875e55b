"""Data sets known by name: what they are, where they come from, what brings them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from recbole_ext.errors import nearest


@dataclass(frozen=True)
class KnownDataset:
    """A data set with published figures.

    url: where its raw file lies, None where RecBole's wheel holds the data set itself;
    file: the name to save the raw file under; options: what `prepare` needs beside it;
    published: users, items, interactions to compare with; variant, source: what it is, by whom.
    """

    name: str
    variant: str
    source: str
    published: dict[str, int]
    url: str | None = None
    file: str = ""
    options: tuple[str, ...] = field(default=())

    def commands(self, data_path: str = "dataset") -> str:
        """The shell commands, joined by `&&`, that download and prepare this data set."""
        prepare = [
            "python -m recbole_ext prepare",
            f"--input={self.file}",
            f"--dataset={self.name}",
            f"--data_path={shlex.quote(data_path)}",
            *self.options,
        ]
        return f"curl -fL -o {self.file} {self.url} && {' '.join(prepare)}"


def _sizes(users: int, items: int, interactions: int) -> dict[str, int]:
    return {"users": users, "items": items, "interactions": interactions}


# Where the owners publish; nothing here downloads, and no test tries whether these answer.
_S3REC = "https://raw.githubusercontent.com/RUCAIBox/CIKM2020-S3Rec/HEAD/data"
_SASREC = "https://raw.githubusercontent.com/kang205/SASRec/HEAD/data"

_KNOWN = (
    KnownDataset(
        name="ml-100k",
        variant="MovieLens 100K as RecBole ships it, all ratings",
        source="RecBole's wheel, dataset_example/ml-100k",
        published=_sizes(943, 1682, 100_000),
    ),
    KnownDataset(
        name="ml-1m",
        variant="MovieLens 1M, 5-core; ties in time in the order of ratings.dat, "
        "which is not the order of SASRec's ml-1m.txt",
        source="GroupLens, ml-1m.zip",
        published=_sizes(6040, 3416, 999_611),
        url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
        file="ml-1m.zip",
        options=("--min_user=5", "--min_item=5"),
    ),
    KnownDataset(
        name="beauty-5core",
        variant="Amazon Beauty 2014, 5-core, as S3-Rec and the FPARec paper use it",
        source="RUCAIBox/CIKM2020-S3Rec, data/Beauty.txt",
        published=_sizes(22_363, 12_101, 198_502),
        url=f"{_S3REC}/Beauty.txt",
        file="Beauty-S3Rec.txt",
        options=("--format=sequences",),
    ),
    KnownDataset(
        name="sports-5core",
        variant="Amazon Sports and Outdoors 2014, 5-core, as S3-Rec and the FPARec paper use it",
        source="RUCAIBox/CIKM2020-S3Rec, data/Sports_and_Outdoors.txt",
        published=_sizes(35_598, 18_357, 296_337),
        url=f"{_S3REC}/Sports_and_Outdoors.txt",
        file="Sports-S3Rec.txt",
        options=("--format=sequences",),
    ),
    KnownDataset(
        name="beauty-sasrec",
        variant="Amazon Beauty 2014 as SASRec and the AE/AR paper use it, short users included",
        source="kang205/SASRec, data/Beauty.txt",
        published=_sizes(52_204, 57_289, 394_908),
        url=f"{_SASREC}/Beauty.txt",
        file="Beauty-SASRec.txt",
        options=("--format=pairs",),
    ),
)
CATALOG: dict[str, KnownDataset] = {known.name: known for known in _KNOWN}


def missing_data_message(dataset: str, expected_file: str | Path, known: Iterable[str] = ()) -> str:
    """One line for DataError: the file is missing, and the commands that bring it.

    expected_file: `<data_path>/<dataset>/<dataset>.inter`; known: further names at hand, for the
    nearest one, beside the catalogue's.
    """
    missing = f"dataset {dataset!r}: {expected_file} is missing"
    data_path = str(Path(expected_file).parent.parent)
    entry = CATALOG.get(dataset)
    if entry is None:
        near = nearest(dataset, [*CATALOG, *known])
        return f"{missing}{near}; make it from a raw file by: {_own_data(dataset, data_path)}"
    if entry.url is None:
        return f"{missing}; it comes with RecBole: python -m pip install --no-deps recbole==1.2.1"
    return f"{missing}; get it ({entry.variant}) by: {entry.commands(data_path)}"


def _own_data(dataset: str, data_path: str) -> str:
    where = f"--dataset={shlex.quote(dataset)} --data_path={shlex.quote(data_path)}"
    return f"python -m recbole_ext prepare --input=FILE {where}"
