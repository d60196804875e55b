"""Every experiment file's quick variant, end to end, on the ml-100k of RecBole's wheel."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from recbole_ext import paths
from recbole_ext.cli import main
from recbole_ext.experiment import file

pytest.importorskip("plotly", reason="plotly is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

FILES = sorted(
    path
    for path in (paths.properties_dir() / "experiment").glob("*.yaml")
    if "quick:" in path.read_text()  # quick_ml-100k.yaml is a config file of `run`
)


class Loaded(HTMLParser):
    """What a page would fetch: the sources and links of its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "data")]


def test_every_experiment_is_here() -> None:
    assert {path.stem for path in FILES} >= {
        "ae_ar", "correction", "duality", "fparec", "quality", "rollouts", "sampling", "speed",
        "tokens",
    }  # fmt: skip


@pytest.mark.usefixtures("quiet_place")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_quick_variant(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment = file.read(path, quick=True)
    names = [job.name for job in experiment.jobs()]
    assert main(["compare", str(path), "--quick", "--workers", "2"]) == 0
    out, _ = capsys.readouterr()
    results = Path("results", experiment.name)
    for name in names:
        metrics = json.loads((results / name / "2024" / "metrics.json").read_text())
        parts = ("valid", "valid_seen_masked", "test", "test_seen_masked")
        # finite, and better than nothing: a NaN is in no interval
        assert all(0 < metrics[part]["NDCG@10"] < 1 for part in parts), name
        assert metrics["epochs"] == 1 and metrics["dataset"] == "ml-100k"
        assert f"\n{name} " in out
    check_texts(results, names)
    check_page(results / "report.html", names)
    check_figures(results, experiment.tables)
    markdown = (results / "tables.md").read_text()
    for table in experiment.tables:
        for job in table.jobs:
            if baseline := table.baseline_of(job):
                assert f"| {baseline.name} " in rows_against(job.name, markdown)


def rows_against(job: str, markdown: str) -> str:
    """The rows of significance of a job."""
    rows = (line for line in markdown.splitlines() if line.startswith(f"| {job} "))
    return "\n".join(row for row in rows if " kept " in row or " masked " in row)


def check_texts(results: Path, names: list[str]) -> None:
    """Every job has its row, with its own figures."""
    markdown, latex = (results / "tables.md").read_text(), (results / "tables.tex").read_text()
    with (results / "results.csv").open(newline="") as lines:
        rows = {
            row["job"]: row
            for row in csv.DictReader(lines)
            if (row["part"], row["protocol"], row["metric"]) == ("test", "seen masked", "NDCG@10")
        }
    assert set(rows) == set(names)
    for name in names:
        metrics = json.loads((results / name / "2024" / "metrics.json").read_text())
        value = metrics["test_seen_masked"]["NDCG@10"]
        assert float(rows[name]["mean"]) == value
        row = next(line for line in markdown.splitlines() if line.startswith(f"| {name} "))
        assert f"{value:.4f}" in markdown and row
        assert name.replace("_", r"\_") in latex


def check_page(page: Path, names: list[str]) -> None:
    """It holds every job, and loads nothing from elsewhere."""
    text = re.sub(r"<script>.*?</script>", "", page.read_text(), flags=re.DOTALL)
    assert "<script" not in text
    shown = text.replace("<wbr>", "")  # where a name may be broken
    assert all(f">{name}</td>" in shown for name in names)
    loaded = Loaded()
    loaded.feed(text)
    assert all(source.startswith(("data:image/", "#")) for source in loaded.found)
    assert not re.search(r"url\(|@import", text)


def check_figures(results: Path, tables: tuple[file.Table, ...]) -> None:
    """Of the tables with ``analyze``: a picture at least for each kind, all named in the report."""
    for table in (one for one in tables if one.analyze):
        folder = Path("figures", table.key)
        record = json.loads((results / folder / "analysis.json").read_text())
        names = [figure["name"] for figure in record["figures"]]
        for kind in table.analyze:  # `positions` makes position_correlation and its like
            assert any(name.startswith(kind.removesuffix("s")) for name in names), kind
        for name in names:
            image = folder / f"{name}.png"
            assert (results / image).stat().st_size > 5000
            assert f"({image})" in (results / "tables.md").read_text()
            assert json.loads((results / image.with_suffix(".json")).read_text())["figure"] == name
