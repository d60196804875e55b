"""What papers report stands beside the jobs of the library's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from recbole_ext.experiment import file
from recbole_ext.experiment.jobs import Experiment
from recbole_ext.experiment.reported import figures_of


def reported(tmp_path: Path, **columns: Any) -> Experiment:
    job = {"model": "FPARec", "dataset": "d", "reported": columns}
    path = tmp_path / "e.yaml"
    path.write_text(yaml.safe_dump({"tables": {"t": {"jobs": {"x": job}}}}))
    return file.read(path)


def test_reported_figures_are_the_papers(tmp_path: Path) -> None:
    (job,) = reported(tmp_path, source="arXiv 2407.02793", table=3, data="ML-1M").jobs()
    found = {place: (one.value, one.source) for place, one in figures_of(job).items()}
    source = "arXiv 2407.02793, Table 3"
    assert found == {
        ("seen kept", "Hit@10"): (0.2419, source),
        ("seen kept", "NDCG@10"): (0.1232, source),
    }
    (job,) = reported(tmp_path, source="ModSAR", table=5, data="ML-1M", model="Local-AR").jobs()
    assert figures_of(job)["seen masked", "Hit@10"].value == 0.3118


def test_tables_of_attention_beside_the_papers() -> None:
    """AE/AR, Tables 2 and 3: the runs of Tables 4 and 5, with the figures of their own tables."""
    tables = {table.key: table for table in file.read(file.find("ae_ar")).tables}
    others = {job.name: job for key in ("4", "5") for job in tables[key].jobs}
    for key, analyze, measure, values in (
        (
            "2",
            ("sparsity", "attention"),
            "sparsity L1/L2",
            [0.038, 0.033, 0.03, 0.018, 0.014, 0.013],
        ),
        ("3", ("rank", "spectrum"), "rank k", [5, 12, 9, 5, 9, 8]),
    ):
        table = tables[key]
        assert (table.analyze, table.baselines) == (analyze, ())
        assert [figures_of(job)["", measure].value for job in table.jobs] == values
        assert all(job.settings() == others[job.name].settings() for job in table.jobs)
