"""Ratios, the table, and what happens where figures are missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report, tables


def figures(key: str, seconds: float, targets: int, gb: float) -> dict[str, Any]:
    return {
        "key": key,
        "title": f"The {key}",
        "seconds_per_epoch": seconds,
        "targets_per_epoch": targets,
        "preparation_seconds": 0.5,
        "peak_rss_gb": gb,
        "parameters": 12_345,
        "measured": "median of 3 epochs",
        "data": {"users": 10, "items": 2_000},
        "settings": {"hidden_size": 64},
        "versions": {"torch": "2.13.0"},
    }


FAILED = {"key": "gone", "title": "The gone", "error": "MemoryError"}


def results(peers: list[dict[str, Any]], base: str = "slow") -> dict[str, Any]:
    machine = {"cpu": "Abacus", "cores": 2, "threads": 1, "memory_gb": 8.0, "load_before": 0.1}
    entry = {"dataset": "toy", "max_length": 7, "peers": report.with_ratios(peers, base)}
    return {"machine": machine | {"python": "3.11.7"}, "base": "The slow", "datasets": [entry]}


PEERS = [figures("slow", 1200.0, 4_000, 3.0), figures("fast", 4.0, 1_000, 0.75)]


def test_ratios_say_how_many_times_faster_and_smaller() -> None:
    slow, fast = report.with_ratios(PEERS, "slow")
    assert slow["microseconds_per_target"] == pytest.approx(300_000)
    assert fast["microseconds_per_target"] == pytest.approx(4_000)
    assert fast["ratios"] == pytest.approx({"epoch": 300, "target": 75, "memory": 4})
    assert slow["ratios"] == {"epoch": 1, "target": 1, "memory": 1}


def test_without_figures_of_the_base_there_are_no_ratios() -> None:
    assert [p["ratios"] for p in report.with_ratios(PEERS, "absent")] == [None, None]
    assert report.with_ratios([FAILED, PEERS[1]], "gone")[1]["ratios"] is None


def test_ratios_are_renewed_when_the_base_comes_later() -> None:
    first = report.with_ratios([PEERS[1]], "slow")
    assert report.with_ratios([*first, PEERS[0]], "slow")[0]["ratios"]["epoch"] == 300


def test_table_has_a_row_a_peer() -> None:
    rows = report.table(report.with_ratios([*PEERS, FAILED], "slow")).splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert cells == [
        ["The slow", "1,200", "1.00", "4,000", "300,000", "1.00", "0.50", "3.00", "1.00",
         "12,345", "median of 3 epochs"],
        ["The fast", "4.00", "300", "1,000", "4,000", "75.0", "0.50", "0.75", "4.00",
         "12,345", "median of 3 epochs"],
        ["The gone", *["–"] * 9, "failed: MemoryError"],
    ]  # fmt: skip


def test_report_names_machine_versions_data_and_settings() -> None:
    text = report.markdown(results([*PEERS, FAILED]))
    assert (
        "Machine: Abacus, 2 cores, threads: 1, 8.0 GB; Python 3.11.7, torch 2.13.0; "
        "load before the run 0.1." in text
    )
    assert "## toy, L = 7\n\n10 users, 2,000 items\n\n" in text
    assert "- The fast: hidden_size 64\n" in text


def test_report_tells_when_peers_have_read_different_data() -> None:
    other = PEERS[1] | {"data": {"users": 9, "items": 2_000}}
    assert tables.data_line([PEERS[0], other]) == (
        "PEERS HAVE READ DIFFERENT DATA: 9 users, 2,000 items; 10 users, 2,000 items"
    )


def test_write_leaves_two_files_and_replaces_them(tmp_path: Path) -> None:
    report.write(results(PEERS[:1]), tmp_path / "new")
    report.write(results(PEERS), tmp_path / "new")
    names = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert names == ["training_speed.json", "training_speed.md"]
    written = json.loads((tmp_path / "new/training_speed.json").read_text())
    assert [p["key"] for p in written["datasets"][0]["peers"]] == ["slow", "fast"]
