"""The jobs of properties/experiment: each is a run that can start, and a name means one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.quality import all_jobs
from recbole_ext.config import ExtConfig
from recbole_ext.paths import properties_dir

pytestmark = pytest.mark.usefixtures("quiet_place")

FILES = sorted(
    file
    for file in (properties_dir() / "experiment").glob("*.yaml")
    if "tables" in yaml.safe_load(file.read_text(encoding="utf-8"))
)


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_job_passes_the_checks(file: Path) -> None:
    for job in all_jobs(read(file), None):
        config = ExtConfig(job.model, job.dataset, config_dict=job.keys)
        for key, value in job.keys.items():
            assert config[key] == value or key == "train_neg_sample_args", (job.name, key)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_name_stands_for_one_run(file: Path) -> None:
    """The first job of a name is run; another of that name would show its figures."""
    tables = read(file)["tables"]
    found: dict[str, Any] = {}
    for table in tables.values():
        for name, job in table["jobs"].items():
            what = (
                job["model"],
                job["dataset"],
                {**table.get("common", {}), **job.get("keys", {})},
            )
            assert found.setdefault(name, what) == what, name
