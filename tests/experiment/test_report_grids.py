"""The tables of a report: what is marked, what is a bound, what must not be mixed."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from made_up import EXPERIMENT, write_all, write_run

from recbole_ext.experiment import file, report_csv, report_latex, report_text
from recbole_ext.experiment.comparisons import Comparison
from recbole_ext.experiment.gather import KEPT, Statistic
from recbole_ext.experiment.grids import cost as cost_grid
from recbole_ext.experiment.grids import figure, sources_of
from recbole_ext.experiment.grids import quality as quality_grid
from recbole_ext.experiment.grids import significance as significance_grid
from recbole_ext.experiment.report import build_report
from recbole_ext.experiment.significance import Difference


def test_the_best_is_marked_as_printed_and_among_as_many_seeds(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    low = {"Hit@10": 0.3, "NDCG@10": 0.03712}
    for job, test in (("toy_bad", low | {"NDCG@10": 0.03708}), ("toy_absent", low)):
        shutil.rmtree(out / job, ignore_errors=True)
        write_run(out, job, 1, 0.5, test=test)
    metrics = json.loads((out / "toy_good" / "1" / "metrics.json").read_text())
    assert metrics["test"]["NDCG@10"] > 0.0372
    (table,) = build_report(file.read(path), out, out).tables
    best = [row[0].text for row in quality_grid(table).rows if row[4].best]
    assert best == ["toy_good", "toy_bad", "toy_absent"]  # of two seeds; of one, a tie


def test_other_metrics_are_shown_and_tested(tmp_path: Path) -> None:
    """The file's metrics in every form of the report; those of the papers beside them."""
    path, out, metrics = write_all(tmp_path)
    path.write_text(EXPERIMENT + "metrics: [MRR@20, NDCG@10]\n")
    report = build_report(file.read(path), out, out)
    (table,) = report.tables
    grid = quality_grid(table)
    assert grid.headers[3:] == (
        "MRR@20 kept", "NDCG@10 kept", "reported, kept", "MRR@20 masked", "NDCG@10 masked",
    )  # fmt: skip
    (bad,) = (row for row in grid.rows if row[0].text == "toy_bad")
    parts = [metrics["toy_bad", 1][part] for part in ("test", "test_seen_masked")]
    expected = [f"{part[name]:.4f}" for part in parts for name in ("MRR@20", "NDCG@10")]
    assert [bad[column].text for column in (3, 4, 6, 7)] == expected
    assert [row[5].text for row in grid.rows] == ["–", "–/0.0402", "–"]
    assert grid.notes == ("Reported in: arXiv 2407.02793, Table 3.",)  # no Hit@10: no experiment
    assert {one.metric for one in table.comparisons} == {"MRR@20", "NDCG@10"}
    assert "what papers report, MRR@20/NDCG@10." in report_text.markdown(report)
    assert "what papers report, MRR@20/NDCG@10." in report_latex.latex(report)


def test_a_metric_that_a_job_was_not_tested_by_is_named(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    path.write_text(EXPERIMENT + "metrics: [NDCG@10, MAP@7]\n")
    shutil.rmtree(out / "toy_bad")
    test = {"NDCG@10": 0.2, "MAP@7": 0.5}
    write_run(out, "toy_bad", 1, 0.5, test=test, test_seen_masked=test)
    (table,) = build_report(file.read(path), out, out).tables
    named = [note for note in quality_grid(table).notes if note.startswith("–")]
    assert named == [
        "–: toy_base was not tested by MAP@7.",
        "–: toy_good was not tested by MAP@7.",
    ]


def test_each_table_has_its_metrics(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    again = "  b: {metrics: [MRR@5], jobs: {toy_base: {model: FPARec, dataset: toy}}}\n"
    path.write_text(EXPERIMENT + again)
    report = build_report(file.read(path), out, out)
    heads = [quality_grid(table).headers[3] for table in report.tables]
    assert heads == ["Hit@10 kept", "MRR@5 kept"]
    text = report_text.markdown(report)
    assert "what papers report, in the order of the table's metrics." in text


def test_what_cannot_be_ranked_together(tmp_path: Path) -> None:
    """Jobs of another variant, of another target or of another task stand apart, best in each."""
    toy = tmp_path / "toy.yaml"
    toy.write_text(EXPERIMENT.replace("epochs: 9", "holdout: 3, task: next_user"))
    out = tmp_path / "out"
    for job, quality, data in (
        ("toy_base", 1.0, "d"), ("toy_good", 2.0, "other"), ("toy_bad", 0.5, "d"),
        ("toy_absent", 0.4, "d"),
    ):  # fmt: skip
        write_run(out, job, 1, quality, data=data)
    report = build_report(file.read(toy), out, out)
    groups = {name: [one.job.name for one in jobs] for name, jobs in report.jobs().items()}
    assert groups == {
        "toy (d)": ["toy_base", "toy_bad"],
        "toy (other)": ["toy_good"],
        "toy, next_user, holdout 3": ["toy_absent"],
    }
    best = [row for row in quality_grid(report.tables[0]).rows if row[3].best]
    assert [row[0].text for row in best] == ["toy_base"]
    assert len(report.tables[0].data()) == 2


def test_p_values_at_the_resolution_are_bounds() -> None:
    def row(p: float, holm: float, metric: str = "NDCG@10") -> Comparison:
        difference = Difference(0.1, 0.05, 0.15, p, 1e-9)
        return Comparison("a", "b", KEPT, metric, 200, difference, holm, 2e-9)

    least = 2 / 10_001
    rows = [row(least, 2 * least), row(0.03, 0.03), row(0.0004, 2 * least),
            row(0.0004, 2 * least, "Hit@10"), row(1e-9, 2e-9)]  # fmt: skip
    shown = [row[6].text for row in significance_grid(rows).rows]
    assert shown == ["≤ 0.0004", "0.0300", "≤ 0.0004", "0.0004", "< 0.0001"]
    assert significance_grid(rows).rows[0][7].text == "< 0.0001"
    assert report_latex.escaped("≤ 0.0004") == r"$\le$ 0.0004"


def test_seconds_of_several_devices_stay_apart(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    machines: dict[int, dict[str, Any]] = {
        1: {"device": "NVIDIA H100", "versions": {"cpus": "16", "torch": "2.11.0"}},
        2: {"device": None, "versions": {"cpus": "2", "torch": "2.13.0+cpu"}},
        3: {"device": "cpu", "versions": {"cpus": "2"}},
        4: {"device": None, "versions": {"cpus": "16", "torch": "2.11.0"}},
        5: {"device": None},
    }
    shutil.rmtree(out / "toy_good")
    for seed, machine in machines.items():
        write_run(out, "toy_good", seed, 2.0, seconds_per_epoch=float(seed), **machine)
    report = build_report(file.read(path), out, out)
    (row,) = (row for row in cost_grid(report.tables[0]).rows if row[0].text == "toy_good")
    assert [cell.text for cell in (row[2], row[3], row[5])] == [
        "1.0; 2.5; 4.0; 5.0", "2.0; 5.0; 8.0; 10.0",
        "NVIDIA H100; cpu, 2 CPUs; 16 CPUs, torch 2.11.0; –",
    ]  # fmt: skip
    assert len(cost_grid(report.tables[0]).notes) == 2
    rows = csv.DictReader(report_csv.to_csv(report).splitlines())
    assert {row["seconds_to_best"] for row in rows if row["job"] == "toy_good"} == {"2.0"}


def test_a_median_that_is_the_mean_is_a_hint_only() -> None:
    same, other = Statistic((0.1, 0.2, 0.3)), Statistic((0.1, 0.2, 0.6))
    assert figure(same).text == "0.2000 ± 0.1000"
    assert figure(same).hint == "median 0.2000 of 0.1000, 0.2000, 0.3000"
    assert figure(other).text == "0.3000 ± 0.2646 (0.2000)"
    assert (figure(Statistic((0.1,))).text, figure(Statistic((0.1,))).hint) == ("0.1000", "")


def test_sources_of_reported_figures_stand_below(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    report = build_report(file.read(path), out, out)
    notes = (
        "Reported in: the experiment file (toy_base).",
        "Reported in: arXiv 2407.02793, Table 3 (toy_good).",
    )
    assert quality_grid(report.tables[0]).notes == notes
    text = report_text.markdown(report)
    assert all(note.replace("_", r"\_") in text for note in notes)
    captions = [line.split(":")[0] for line in text.splitlines() if line.startswith("**")]
    assert captions == ["**Quality", "**Cost", "**Significance"]
    assert r"Reported in: arXiv 2407.02793, Table 3 (toy\_good)." in report_latex.latex(report)
    assert sources_of({"a": ["P"], "b": ["P"]}) == ("Reported in: P.",)
