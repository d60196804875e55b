"""The published data sets, where a copy is at hand: exact sizes."""

from __future__ import annotations

import hashlib
import lzma
import os
from pathlib import Path

import pytest

from recbole_ext.data.catalog import known_datasets
from recbole_ext.data.prepare import prepare

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("RECBOLE_EXT_SHARED_DATA", ROOT.parent / "shared" / "data"))
SHA256 = {
    "ml-1m": "f939258a859d16e43055e80bf8f7d66aeae3805fa21cb1b999fbafa9c6c5694b",
    "beauty-5core": "226cce9c3105299ca0db9615d7d3fb32b3175e90da43100ae352599f0f0107b8",
    "sports-5core": "2a095e0648872beb9982408958290f5d655db5be2911c3756b5446de9f0b8de2",
    "beauty-sasrec": "d3498dee132eaeac95810738927527424be265bc3fb8d1d6a1d096648823fcfd",
}
AVERAGE = {"ml-1m": 165.50, "beauty-5core": 8.88, "sports-5core": 8.32, "beauty-sasrec": 7.56}


def real(name: str) -> Path:
    path = FOLDER / f"{name}.txt.xz"
    if not path.exists():
        pytest.skip(f"{path.name} is not at hand: set RECBOLE_EXT_SHARED_DATA to its folder")
    return path


@pytest.mark.parametrize("name", SHA256)
def test_sizes_and_round_trip(name: str, tmp_path: Path) -> None:
    report = prepare(real(name), name, data_path=tmp_path)
    statistics = report.statistics
    assert report.format == "sequences"
    found = {key: getattr(statistics, key) for key in ("users", "items", "interactions")}
    assert found == known_datasets()[name].published
    assert round(statistics.average, 2) == AVERAGE[name]
    assert (statistics.tied, statistics.repeated) == (None, 0)
    assert sequences_sha256(report.path) == SHA256[name]


def sequences_sha256(inter: Path) -> str:
    """The hash of an atomic file written back as one line per user."""
    histories: dict[str, list[str]] = {}
    for row in inter.read_text().splitlines()[1:]:
        user, item, _ = row.split("\t")
        histories.setdefault(user, [user]).append(item)
    text = "".join(" ".join(history) + "\n" for history in histories.values())
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", ["beauty-5core", "sports-5core"])
def test_five_core_drops_nothing_of_a_five_core(name: str, tmp_path: Path) -> None:
    report = prepare(real(name), name, data_path=tmp_path, min_user=5, min_item=5)
    assert report.statistics.interactions == report.raw_interactions


def test_short_users(tmp_path: Path) -> None:
    lines = lzma.decompress(real("beauty-sasrec").read_bytes()).decode().splitlines()
    pairs = tmp_path / "pairs.txt"
    rows = (f"{line.split()[0]} {item}\n" for line in lines for item in line.split()[1:])
    pairs.write_text("".join(rows))
    by_pairs = prepare(pairs, "pairs", data_path=tmp_path)
    by_lines = prepare(real("beauty-sasrec"), "lines", data_path=tmp_path)
    assert by_pairs.format == "pairs"
    assert by_pairs.sha256 == by_lines.sha256
    assert by_pairs.statistics.shortest < 3
