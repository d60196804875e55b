"""Which jobs of a table are compared, and ranked, with each other."""

from __future__ import annotations

import shutil
from pathlib import Path

from made_up import write_all, write_run

from recbole_ext.experiment import file
from recbole_ext.experiment.gather import comparable
from recbole_ext.experiment.report import build_report


def test_jobs_on_other_data_are_not_compared(tmp_path: Path) -> None:
    path, out, _ = write_all(tmp_path)
    shutil.rmtree(out / "toy_good")
    write_run(out, "toy_good", 1, 2.0, data="other")
    (table,) = build_report(file.read(path), out, out).tables
    assert {one.job for one in table.comparisons} == {"toy_bad"}


def test_jobs_that_rank_other_items_are_not_compared(tmp_path: Path) -> None:
    """A model that loads the descriptions of items may rank more of them, on the same data."""
    path, out, _ = write_all(tmp_path)
    for seed in (1, 2):
        metrics = out / "toy_good" / str(seed) / "metrics.json"
        metrics.write_text(metrics.read_text().replace('"items": 40', '"items": 60'))
    (table,) = build_report(file.read(path), out, out).tables
    assert {one.job for one in table.comparisons} == {"toy_bad"}
    groups = comparable(table.jobs)
    assert {name: len(jobs) for name, jobs in groups.items()} == {
        "toy, 40 items": 2,
        "toy, 60 items": 1,
    }
