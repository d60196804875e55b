"""Growth: its data, its cells, what is left out, its report, and a tiny measurement."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scaling, scaling_report, synthetic
from benchmarks.peers.leave_one_out import read_interactions, sizes, training_part
from benchmarks.peers.protocol import Task
from benchmarks.registry import SCALING_PEERS, Peer
from benchmarks.scaling import Cell, least_memory_gb, main, why_not


def test_synthetic_data_have_the_stated_sizes(tmp_path: Path) -> None:
    path = tmp_path / "synthetic" / "synthetic.inter"
    synthetic.write(path, users=2_001, length=4, items=900)
    read = read_interactions(str(tmp_path), "synthetic")
    assert sizes(read) == {"users": 2_001, "items": 900, "interactions": 2_001 * 7}
    assert set(read.groupby("user_id").size()) == {7}
    assert (read.groupby("user_id")["timestamp"].diff().dropna() > 0).all()
    # One window of 4 inputs with 4 targets is left to train.
    assert set(training_part(read).groupby("user_id").size()) == {5}


def test_synthetic_data_are_a_function_of_their_seed(tmp_path: Path) -> None:
    texts = []
    for folder, seed in [("a", 1), ("b", 1), ("c", 2)]:
        synthetic.write(tmp_path / folder / "x.inter", 20, 5, 30, seed)
        texts.append((tmp_path / folder / "x.inter").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_synthetic_data_hold_no_more_items_than_interactions(tmp_path: Path) -> None:
    synthetic.write(tmp_path / "a" / "a.inter", 2, 3, 12)
    assert sizes(read_interactions(str(tmp_path), "a"))["items"] == 12
    with pytest.raises(ValueError, match="12 interactions cannot hold 13 items"):
        synthetic.write(tmp_path / "b" / "b.inter", 2, 3, 13)


def row(key: str, users: int, seconds: float, gb: float) -> dict[str, Any]:
    return {
        "key": key,
        "title": f"The {key}",
        "cell": {"users": users, "length": 5, "items": 9},
        "seconds_per_epoch": seconds,
        "targets_per_epoch": 10 * users,
        "preparation_seconds": 0.25,
        "peak_rss_gb": gb,
        "measured": "median of 2 epochs",
        "settings": {"n_layers": 2},
        "versions": {"torch": "2.13.0"},
    }


def missing(key: str, users: int, why: str) -> dict[str, Any]:
    cell = {"users": users, "length": 5, "items": 9}
    return {"key": key, "title": f"The {key}", "cell": cell, "error": why, "skipped": True}


ROWS = [
    row("slow", 100, 8.0, 2.0), row("fast", 100, 1.0, 0.5),
    missing("slow", 400, "left out: needs 99 GB"), row("fast", 400, 3.0, 0.75),
]  # fmt: skip


def test_growth_is_beside_the_same_peers_smallest_value() -> None:
    slow, fast, gone, grown = scaling_report.with_growth(ROWS, "users")
    assert slow["growth"] == fast["growth"] == {"epoch": 1, "target": 1, "memory": 1, "axis": 1}
    assert grown["growth"] == pytest.approx({"epoch": 3, "target": 0.75, "memory": 1.5, "axis": 4})
    assert gone == ROWS[2]


def test_no_growth_where_the_smallest_value_has_no_figures() -> None:
    rows = [missing("fast", 100, "stopped after 9 s"), ROWS[3]]
    assert scaling_report.with_growth(rows, "users")[1]["growth"] is None


def test_table_keeps_a_peers_rows_together() -> None:
    text = scaling_report.table(scaling_report.with_growth(ROWS, "users"), "users")
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    last = "median of 2 epochs"
    assert cells == [
        ["The slow", "100", "1.00", "8.00", "1.00", "8,000", "1.00", "0.25", "2.00", "1.00", last],
        ["The slow", "400", *["–"] * 8, "left out: needs 99 GB"],
        ["The fast", "100", "1.00", "1.00", "1.00", "1,000", "1.00", "0.25", "0.50", "1.00", last],
        ["The fast", "400", "4.00", "3.00", "3.00", "750", "0.75", "0.25", "0.75", "1.50", last],
    ]


def test_least_memory_is_the_sum_of_what_must_be_held() -> None:
    # 10 users × 4 prefixes × 4 ids and times; 2 layers × 2 heads × 40 prefixes × 16 × 9; logits.
    assert least_memory_gb(Cell(10, 4, 100)) * 1e9 == 40 * 4 * 12 + 4 * 40 * 16 * 9 + 8 * 40 * 100
    # A batch has no more than 2,048 prefixes.
    assert least_memory_gb(Cell(1_000, 4, 100)) * 1e9 == pytest.approx(
        4_000 * 4 * 12 + 4 * 2_048 * 16 * 9 + 8 * 2_048 * 100
    )


def test_only_what_cannot_fit_is_left_out() -> None:
    cell = Cell(2_000, 800, 1_000)
    assert why_not("recbole", cell, 25.3) == "left out: needs 63 GB or more, of 25"
    assert why_not("recbole", cell, 64.0) == ""
    assert why_not("recbole_ext", cell, 0.1) == ""


def test_cells_vary_one_axis_and_are_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int, int, float | None]] = []

    def note(peer: Peer, task: Task, threads: int, seconds: float | None) -> dict[str, Any]:
        size = sizes(read_interactions(task.data_path, task.dataset))
        calls.append((peer.title, size["users"], size["items"], seconds))
        return {k: v for k, v in row("x", size["users"], 1.0, 1.0).items() if k != "cell"}

    monkeypatch.setattr(scaling, "launch", note)
    sizes_asked = ["--users", "9", "3", "--length", "4", "--items", "10", "20", "--out"]
    assert main([*sizes_asked, str(tmp_path), "--longest_cell", "7", "--peers", "recbole_ext"]) == 0
    title = SCALING_PEERS["recbole_ext"].title
    assert calls == [(title, 3, 10, 7), (title, 9, 10, 7), (title, 3, 20, 7)]
    axes = json.loads((tmp_path / "scaling.json").read_text())["axes"]
    assert [axis["title"] for axis in axes] == [
        "Users (4 long, 10 items)", "Length (3 users, 10 items)", "Items (3 users, 4 long)",
    ]  # fmt: skip
    found = [[row["cell"][axis["axis"]] for row in axis["rows"]] for axis in axes]
    assert found == [[3, 9], [4], [10, 20]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--users", "0"], "'0' is not a whole number of 1 or more"),
        (["--peers", "rectools"], "invalid choice: 'rectools'"),
        (["--users", "5", "--length", "7", "--items", "10", "51"],
         "--items 51: the smallest data have 50 interactions, so no more items"),
    ],
)  # fmt: skip
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_both_peers_train_the_same_targets(tmp_path: Path) -> None:
    sizes_asked = ["--users", "800", "1600", "--length", "6", "--items", "30", "--threads", "1"]
    assert main([*sizes_asked, "--out", str(tmp_path)]) == 0
    users = json.loads((tmp_path / "scaling.json").read_text())["axes"][0]["rows"]
    assert [r["targets_per_epoch"] for r in users] == [4_800, 4_800, 9_600, 9_600]
    assert all(r["data"]["interactions"] == 9 * r["cell"]["users"] for r in users)
