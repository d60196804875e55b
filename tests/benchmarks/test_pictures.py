"""The README's pictures: what they show is what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import picture_numbers, pictures
from benchmarks.picture_numbers import METRIC
from benchmarks.pictures import main

pytest.importorskip("matplotlib")

RESULTS = Path(__file__).parents[2] / "results"


def run(
    folder: Path, job: str, epochs: int, score: float, model: str = "FPARec", seed: int = 2024
) -> None:
    place = folder / "toy" / f"ml-1m_{job}" / str(seed)
    place.mkdir(parents=True)
    metrics = {
        "model": model, "dataset": "ml-1m", "epochs": epochs, "seconds_per_epoch": 2.0,
        "data": {"sha256": "d"}, "test": {METRIC: score}, "test_seen_masked": {METRIC: 2 * score},
    }  # fmt: skip
    (place / "metrics.json").write_text(json.dumps(metrics))


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    for job, epochs, score in (("FPARec", 10, 0.1), ("b_x", 20, 0.05), ("FPARec_c", 30, 0.2)):
        run(tmp_path, job, epochs, score, "FPARec" if job[0] == "F" else "PARec")
    return tmp_path


def test_points_and_front(toy: Path) -> None:
    data = picture_numbers.quality_numbers(toy, "masked")
    (entry,) = data["datasets"]
    found = {one["run"]: (one["seconds"], one[METRIC]) for one in entry["runs"]}
    assert found == {"FPARec": (20, 0.2), "PARec b x": (40, 0.1), "FPARec c": (60, 0.4)}
    assert [one["run"] for one in picture_numbers.front(entry["runs"])] == ["FPARec", "FPARec c"]
    figure = pictures.draw_quality(data)
    (panel,) = figure.axes
    assert [tuple(one.get_offsets()[0]) for one in panel.collections] == list(found.values())
    assert sorted(text.get_text() for text in panel.texts) == sorted(found)
    assert "masked" in figure.get_suptitle()


def test_seeds_are_one_point(toy: Path) -> None:
    run(toy, "FPARec", 8, 0.3, seed=2025)
    (entry,) = picture_numbers.quality_numbers(toy)["datasets"]
    (point,) = [one for one in entry["runs"] if one["run"] == "FPARec"]
    assert (point["seeds"], point["seconds"]) == (2, 16)
    assert point[METRIC] == pytest.approx(0.2)


def test_jobs_of_other_machines_are_left_out(toy: Path) -> None:
    run(toy, "slow", 9, 0.3)
    (toy / "elsewhere.txt").write_text("# why\ntoy/ml-1m_slow\n")
    (entry,) = picture_numbers.quality_numbers(toy)["datasets"]
    assert sorted(one["run"] for one in entry["runs"]) == ["FPARec", "FPARec c", "PARec b x"]


def test_seconds_of_seeds_from_other_machines_do_not_count(toy: Path) -> None:
    run(toy, "FPARec", 8, 0.3, seed=2025)
    run(toy, "untimed", 8, 0.3)
    elsewhere = ("toy/ml-1m_FPARec/2025", "toy/ml-1m_untimed/2024")
    (toy / "elsewhere.txt").write_text("\n".join(elsewhere))
    (entry,) = picture_numbers.quality_numbers(toy)["datasets"]
    assert len(entry["runs"]) == 3  # without a job none of whose seeds is timed
    (point,) = [one for one in entry["runs"] if one["run"] == "FPARec"]
    assert (point["seeds"], point["seconds"]) == (2, 20)
    assert point[METRIC] == pytest.approx(0.2)


def test_labels_do_not_overlap() -> None:
    from matplotlib.text import Text

    figure = pictures.draw_quality(picture_numbers.quality_numbers(RESULTS))
    figure.canvas.draw()
    for panel in figure.axes:
        boxes = [Text.get_window_extent(text) for text in panel.texts]  # without their lines
        assert len(boxes) == len(panel.collections), "every point has its name"
        pairs = ((a, b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert not any(a.overlaps(b) for a, b in pairs)


def test_dots_are_the_measured_seconds() -> None:
    file = RESULTS / "training_speed.json"
    measured: dict[str, Any] = json.loads(file.read_text())
    data = picture_numbers.efficiency_numbers(file)
    assert [entry["dataset"] for entry in data["datasets"]] == ["ml-1m", "beauty-5core"]
    figure = pictures.draw_efficiency(data)
    for panel, entry in zip(figure.axes, data["datasets"], strict=True):
        peers = next(e for e in measured["datasets"] if e["dataset"] == entry["dataset"])["peers"]
        dots = panel.collections[0].get_offsets()
        titles = [label.get_text() for label in panel.get_yticklabels()]
        seconds = {peer["title"]: peer["seconds_per_epoch"] for peer in peers}
        named = [seconds.get(f"recbole_ext {title}", seconds.get(title)) for title in titles]
        assert named == [x for x, _ in dots]
        assert titles == [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert panel.get_xscale() == "log"
        ratios = {peer["peer"]: peer["times"] for peer in entry["peers"]}
        assert ratios == {peer["title"]: peer["ratios"]["epoch"] for peer in peers}
        labels = [text.get_text() for text in panel.texts]
        assert sum("≈" in label for label in labels) == 3  # RecBole twice, RecTools
        assert all("×" in label for label in labels)


def test_the_committed_pictures_are_of_the_committed_numbers(tmp_path: Path) -> None:
    assert main(["--results", str(RESULTS), "--out", str(tmp_path)]) == 0
    for name in ("efficiency", "quality_time"):
        for made in tmp_path.glob(f"{name}.*"):
            assert made.stat().st_size < 200_000
            assert (RESULTS / "figures" / made.name).is_file()
        kept = (RESULTS / "figures" / f"{name}.json").read_text()
        assert kept == (tmp_path / f"{name}.json").read_text(), "python -m benchmarks.pictures"


def test_what_is_missing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--results", str(tmp_path)]) == 2
    assert "training_speed.json: cannot be read" in capsys.readouterr().err
    (tmp_path / "training_speed.json").write_text("{}")
    assert main(["--results", str(tmp_path)]) == 2
    assert "not as the benchmark left it" in capsys.readouterr().err
