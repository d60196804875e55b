"""The recipes that are shipped are the jobs that were measured."""

from __future__ import annotations

from recbole_ext import paths
from recbole_ext.config import ExtConfig
from recbole_ext.experiment import file

JOB = "beauty-5core_BSARec_128_cosine-score-0.07_falling"


def test_the_recipe_of_beauty_is_the_job_that_validation_prefers() -> None:
    recipe = paths.properties_dir() / "recipes" / "beauty-5core.yaml"
    tables = file.read(file.find("quality")).tables
    (job,) = (job for table in tables for job in table.jobs if job.name == JOB)
    measured = ExtConfig(job.model, job.dataset, config_dict=job.keys).resolved()
    shipped = ExtConfig("SASRecPlus", "beauty-5core", [recipe]).resolved()
    other = {key for key in measured.keys() | shipped.keys() if measured[key] != shipped[key]}
    assert other == {"model"}
