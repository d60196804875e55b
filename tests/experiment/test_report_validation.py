"""The validation column and the learning curves follow the metric that chose the epochs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_up import EXPERIMENT, write_all

from recbole_ext.errors import DataError
from recbole_ext.experiment import file
from recbole_ext.experiment.gather import KEPT, MASKED
from recbole_ext.experiment.grids import quality
from recbole_ext.experiment.report import Report, build_report
from recbole_ext.experiment.validation import full, short

MASKED_NDCG = "NDCG@10_seen_masked"
LOGGED = "2026-01-01 00:00:00 INFO epoch   {}  loss 6.7  2.0 s  47,198 targets/s  valid {} 0.06 *\n"


def log(out: Path, job: str, metric: str) -> None:
    """What a run that watched ``metric`` has left, in every folder of the job."""
    for folder in (out / job).iterdir():
        lines = [LOGGED.format(epoch, metric) for epoch in range(3)]
        (folder / "log.txt").write_text("".join([*lines, "2026-01-01 00:00:09 INFO done\n"]))
        rows = (f"{epoch},0.1,{epoch / 7}\n" for epoch in range(3))
        history = f"epoch,NDCG@10,{metric}\n{''.join(rows)}"
        (folder / "history.csv").write_text(history if metric != "NDCG@10" else "epoch,NDCG@10\n")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path, dict[tuple[str, int], dict[str, Any]]]:
    return write_all(tmp_path)


def report(path: Path, out: Path) -> Report:
    return build_report(file.read(path), out, out)


def column(found: Report) -> dict[str, str]:
    return {row[0].text: row[2].text for row in quality(found.tables[0]).rows}


def test_one_metric_of_all_jobs_heads_the_column(made: Any) -> None:
    path, out, metrics = made
    for job in ("toy_base", "toy_good", "toy_bad"):
        log(out, job, MASKED_NDCG)
    found = report(path, out)
    grid = quality(found.tables[0])
    assert grid.headers[2] == "valid NDCG@10 masked"
    assert not any("*valid*" in note for note in grid.notes)
    expected = metrics["toy_bad", 1]["valid_seen_masked"]["NDCG@10"]
    assert column(found)["toy_bad"] == f"{expected:.4f}"
    assert expected != metrics["toy_bad", 1]["valid"]["NDCG@10"]


def test_several_metrics_are_named_in_the_cells(made: Any) -> None:
    """A log says what a run watched; without one the job's keys do, in any case."""
    path, out, metrics = made
    path.write_text(
        EXPERIMENT.replace(
            "toy_bad: {model: VanillaAR, dataset: toy}",
            "toy_bad: {model: VanillaAR, dataset: toy, keys: {valid_metric: mrr@5}}",
        )
    )
    log(out, "toy_good", MASKED_NDCG)
    found = report(path, out)
    grid = quality(found.tables[0])
    assert grid.headers[2] == "valid"
    assert grid.notes[0] == "*valid*: by the metric that chose the epoch, each job's own."
    shown = column(found)
    assert shown["toy_bad"] == f"{metrics['toy_bad', 1]['valid']['MRR@5']:.4f} MRR@5"
    assert shown["toy_base"].endswith(" NDCG@10") and shown["toy_good"].endswith(" NDCG@10 masked")
    log(out, "toy_bad", "NDCG@10")
    assert column(report(path, out))["toy_bad"].endswith(" NDCG@10"), "the log stands above"


def test_a_weighted_metric_and_one_that_is_not_there(made: Any) -> None:
    path, out, _ = made
    place = out / "toy_bad" / "1" / "metrics.json"
    log(out, "toy_bad", "NDCG@10_ips")
    assert column(report(path, out))["toy_bad"] == "–"
    found = json.loads(place.read_text()) | {"valid_ips": {"NDCG@10": 0.0625}}
    place.write_text(json.dumps(found))
    assert column(report(path, out))["toy_bad"] == "0.0625 NDCG@10 ips"
    place.write_text(json.dumps(found | {"valid_ips": {"NDCG@10": "high"}}))
    with pytest.raises(DataError, match=r"NDCG@10 of valid_ips is 'high'"):
        report(path, out)
    place.write_text(json.dumps(found | {"valid_ips": 3}))
    with pytest.raises(DataError, match="not as a run left it"):
        report(path, out)


def test_names() -> None:
    names = ("NDCG@10", MASKED_NDCG, "MRR@5_ips", "MRR@5_ips_seen_masked")
    assert [*map(short, names)] == ["NDCG@10", "NDCG@10 masked", "MRR@5 ips", "MRR@5 ips masked"]
    assert [*map(full, names)] == [
        ("NDCG@10", KEPT), ("NDCG@10", MASKED), ("MRR@5 ips", KEPT), ("MRR@5 ips", MASKED),
    ]  # fmt: skip


def test_curves_are_of_the_metric_that_chose_the_epoch(made: Any) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    from recbole_ext.experiment.plots import plots

    path, out, _ = made
    log(out, "toy_good", MASKED_NDCG)
    drawn = {one.name: one for one in plots(report(path, out))["toy"]}
    mixed = drawn["toy-curves-epochs"]
    assert mixed.title == "Validation, each job by its own metric, by epoch"
    assert mixed.figure.layout.yaxis.title.text == "validation"
    lines = {line.name: line.y for line in mixed.figure.data}
    assert lines["toy_good, NDCG@10 masked, seed 1"] == (0.0, 1 / 7, 2 / 7)
    assert lines["toy_bad, NDCG@10"] == (0.0, 0.1, 0.2)
    for job in ("toy_base", "toy_bad"):
        log(out, job, MASKED_NDCG)
    drawn = {one.name: one for one in plots(report(path, out))["toy"]}
    agreed = drawn["toy-curves-seconds"]
    assert agreed.title == "Validation NDCG@10 (seen masked) by training time"
    assert agreed.figure.layout.yaxis.title.text == "validation NDCG@10, seen masked"
    assert {line.name for line in agreed.figure.data} >= {"toy_bad", "toy_good, seed 2"}
