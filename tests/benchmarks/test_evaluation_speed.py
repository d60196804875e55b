"""Speed of the ranking: its report, its command line, the drawn scores, and a tiny measurement."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import evaluation_report as report
from benchmarks.evaluation_speed import main
from benchmarks.peers import recbole_ext_ranking, scores
from benchmarks.peers.protocol import RankingTask
from benchmarks.registry import MATRIX_PEERS, TEST_PEERS

TASK = RankingTask("data", "ml-100k", 1, passes=2, batches=3, rows=40, items=60, args={})
TINY = ["--threads", "1", "--passes", "2", "--batches", "3", "--rows", "40", "--items", "60"]


def figures(key: str, seconds: float, gb: float, alike: bool, ndcg: float) -> dict[str, Any]:
    return {
        "key": key,
        "title": f"The {key}",
        "same_scores": alike,
        "seconds": seconds,
        "every_pass": [seconds, 2 * seconds, seconds / 2],
        "users": 4_000,
        "metrics": {"NDCG@10" if alike else "ndcg@10": ndcg},
        "data": {"users": 4_000, "items": 90},
        "settings": {"protocols": "some"},
        "versions": {"torch": "2.13.0"},
        "peak_rss_gb": gb,
    }


BASE = figures("base", 42.0, 4.0, alike=False, ndcg=0.1234)
OURS = figures("ours", 1.5, 0.5, alike=True, ndcg=0.12345)
GONE = {"key": "gone", "title": "The gone", "error": "MemoryError"}


def test_ratios_and_the_difference_of_the_metrics() -> None:
    base, ours, gone = report.with_ratios([BASE, OURS, GONE], "base")
    assert ours["ratios"] == pytest.approx({"time": 28, "user": 28, "memory": 8})
    assert ours["microseconds_per_user"] == pytest.approx(375)
    assert ours["largest_difference"] == pytest.approx(0.00005)
    assert base["ratios"] == {"time": 1, "user": 1, "memory": 1}
    assert base["largest_difference"] is None
    assert gone == GONE


def test_the_largest_difference_is_found_whatever_the_spelling_and_further_metrics() -> None:
    own = {"metrics": {"Hit@5": 0.5, "MRR@5": 0.1, "Hit@5_seen_masked": 9.0}}
    assert report.largest_difference(own, {"metrics": {"hit@5": 0.2, "mrr@5": 0.2}}) == (
        pytest.approx(0.3)
    )
    with pytest.raises(KeyError, match="ndcg@5"):
        report.largest_difference(own, {"metrics": {"ndcg@5": 0.2}})


def test_without_figures_of_the_base_nothing_is_compared() -> None:
    (ours,) = report.with_ratios([OURS], "base")
    assert (ours["ratios"], ours["largest_difference"]) == (None, None)
    failed = {"key": "base", "title": "The base", "error": "gone"}
    assert report.with_ratios([failed, OURS], "base")[1]["ratios"] is None


def test_table_has_a_row_a_peer() -> None:
    rows = report.table(report.with_ratios([BASE, OURS, GONE], "base")).splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert cells == [
        ["The base", "42.0", "84.0", "1.00", "4,000", "10,500", "4.00", "1.00", "0.1234", "–"],
        ["The ours", "1.50", "3.00", "28.0", "4,000", "375", "0.50", "8.00", "0.1235",
         "differ by 5e-05 at most"],
        ["The gone", *["–"] * 8, "failed: MemoryError"],
    ]  # fmt: skip


def test_drawn_scores_are_the_same_for_every_peer() -> None:
    first, second = list(scores.draw(TASK)), list(scores.draw(TASK))
    assert len(first) == TASK.batches
    for one, other in zip(first, second, strict=True):
        assert one.scores.shape == (40, 61) and one.seen.shape == (40, scores.HISTORY)
        assert (one.scores == other.scores).all() and (one.seen == other.seen).all()
        assert one.targets.min() >= 1 and one.seen.min() >= 1
    assert not (first[0].scores == first[1].scores).all()
    lifted = np.concatenate([b.scores.gather(1, b.targets[:, None]).numpy() for b in first])
    assert lifted.mean() == pytest.approx(scores.LIFT, abs=0.4)  # of 120 normal numbers


def naive_hits(masked: bool, k: int) -> float:
    """Hit@k of the drawn scores by sorting every row."""
    hits = []
    for batch in scores.draw(TASK):
        for row, target, seen in zip(
            batch.scores.tolist(), batch.targets.tolist(), batch.seen.tolist(), strict=True
        ):
            out = {0, *(set(seen) - {target} if masked else ())}
            ranked = sorted((i for i in range(len(row)) if i not in out), key=lambda i: -row[i])
            hits.append(target in ranked[:k])
    return sum(hits) / len(hits)


def test_scores_become_metrics_of_both_protocols() -> None:
    found = recbole_ext_ranking.matrix(TASK)
    assert len(found.every_pass) == TASK.passes and min(found.every_pass) > 0
    assert found.users == 120 and found.data == {"users": 120, "items": 60}
    for k in (5, 10, 20):
        assert found.metrics[f"Hit@{k}"] == pytest.approx(naive_hits(masked=False, k=k))
        assert found.metrics[f"Hit@{k}_seen_masked"] == pytest.approx(naive_hits(masked=True, k=k))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "beauty-5core"], "'beauty-5core' is not NAME:LENGTH, such as ml-1m:200"),
        (["--items", "19"], "'19': metrics at 20 need 20 items or more"),
        (["--items", "many"], "'many' is not a whole number of 1 or more"),
        (["--passes", "0"], "'0' is not a whole number of 1 or more"),
        (["--parts", "train"], "invalid choice: 'train'"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_missing_data_stop_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["--data_path", str(tmp_path), "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("error: dataset 'beauty-5core': ")
    assert not out.exists()


def measured(out: Path, parts: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """A tiny measurement; part -> peer -> its entry of the JSON."""
    arguments = ["--dataset", "ml-100k:5", "--out", str(out), "--parts", *parts]
    assert main([*arguments, *TINY]) == 0
    found = json.loads((out / "evaluation_speed.json").read_text())["parts"]
    return {part["part"]: {peer["key"]: peer for peer in part["peers"]} for part in found}


def check(peers: dict[str, dict[str, Any]]) -> None:
    """Relations that hold whatever the machine."""
    base = next(iter(peers.values()))
    for peer in peers.values():
        assert (peer["users"], peer["data"]) == (base["users"], base["data"])
        assert peer["threads"] == 1 and len(peer["every_pass"]) == 2
        assert peer["ratios"]["time"] == pytest.approx(base["seconds"] / peer["seconds"])
        assert peer["ratios"]["memory"] == pytest.approx(base["peak_rss_gb"] / peer["peak_rss_gb"])


@pytest.mark.slow
def test_peers_agree_on_the_metrics_of_the_same_scores(tmp_path: Path) -> None:
    peers = measured(tmp_path, ["test", "matrix"])
    assert set(peers["test"]) == set(TEST_PEERS) and set(peers["matrix"]) == set(MATRIX_PEERS)
    check(peers["test"])
    check(peers["matrix"])
    assert peers["test"]["recbole"]["data"] == {
        "users": 943, "items": 1682, "interactions": 100_000
    }  # fmt: skip
    assert peers["test"]["recbole"]["users"] == 943
    # RecBole rounds to four decimals.
    assert peers["matrix"]["recbole_ext"]["largest_difference"] <= 0.5001e-4
    assert peers["matrix"]["recbole"]["metrics"]["hit@20"] > 0.9
