"""`analyze:` of a table: figures of its runs, made once, beside what papers report."""

from __future__ import annotations

import csv
import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from small import SMALL

from recbole_ext.analysis.pictures import Picture
from recbole_ext.cli import main
from recbole_ext.errors import ConfigError
from recbole_ext.experiment import analyses, file

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.usefixtures("quiet_place", "in_this_process")

KEYS = {key: value for key, value in SMALL.items() if key not in ("seed", "torch_threads")}
JOBS = {
    "ring_VanillaAE": {"model": "VanillaAE", "dataset": "ring",
                       "reported": {"data": "ML-1M", "model": "Vanilla-AE"}},
    "ring_VanillaAR": {"model": "VanillaAR", "dataset": "ring"},
    "ring_Pop": {"model": "Pop", "dataset": "ring"},
}  # fmt: skip


def write(analyze: object, key: str = "2") -> Path:
    own = {"hidden_size": 16, "inner_size": 16, "epochs": 1}
    jobs = {
        name: {**job, "keys": {} if job["model"] == "Pop" else own} for name, job in JOBS.items()
    }
    table = {"reported": {"source": "ModSAR", "table": "2"}, "jobs": jobs, "analyze": analyze}
    path = Path("e.yaml")
    path.write_text(yaml.safe_dump({"common": KEYS, "tables": {key: table}, "seeds": [7]}))
    return path


def tables() -> str:
    return Path("results/e/tables.md").read_text()


def test_grammar() -> None:
    assert file.read(write(["rank", "sparsity", "rank"])).tables[0].analyze == ("rank", "sparsity")
    assert file.read(write("rank")).tables[0].analyze == ("rank",)
    for wrong, key, said in (
        (["spars"], "2", "analyze: 'spars' must be some of attention, positions, sparsity"),
        ([3], "2", "e.yaml: tables: 2: analyze must be text, not 3"),
        (["rank"], "a/b", "'a/b' cannot be the name of a table with figures"),
    ):
        with pytest.raises(ConfigError) as error:
            file.read(write(wrong, key))
        assert said in str(error.value)


def test_figures_of_a_table(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(["sparsity"])
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main(words) == 0
    err, out = capsys.readouterr().err, tables()
    folder = Path("results/e/figures/2")
    assert "figures of table 2: left out: ring_Pop has no attention matrices" in err
    assert f"figures of table 2: sparsity in {folder.absolute()}" in err
    assert "![sparsity](figures/2/sparsity.png)" in out
    runs = {one["run"]: one for one in json.loads((folder / "sparsity.json").read_text())["runs"]}
    assert list(runs) == ["ring_VanillaAE", "ring_VanillaAR"]
    rows = [line.strip("| ").split() for line in out.splitlines() if line.startswith("| ring_V")]
    assert [cell for cell in rows[0] if cell != "|"] == [
        "ring_VanillaAE", *_shown(runs["ring_VanillaAE"]), "0.038",
    ]  # fmt: skip
    assert [cell for cell in rows[1] if cell != "|"][-1] == "–"  # nothing reported
    measured = {
        row["job"]: row
        for row in csv.DictReader(Path("results/e/results.csv").read_text().splitlines())
        if row["part"] == "attention"
    }
    assert float(measured["ring_VanillaAE"]["mean"]) == runs["ring_VanillaAE"]["S"]
    assert measured["ring_VanillaAE"]["reported"] == "0.038"
    assert measured["ring_VanillaAE"]["reported_in"] == "ModSAR, Table 2"
    assert "% 2: figure figures/2/sparsity.png" in Path("results/e/tables.tex").read_text()

    made = (folder / "sparsity.png").stat().st_mtime_ns
    shutil.rmtree("saved")  # results that came from another machine keep their figures
    assert main(words) == 0
    assert (folder / "sparsity.png").stat().st_mtime_ns == made
    assert "![sparsity](figures/2/sparsity.png)" in tables()


def _shown(run: dict[str, object]) -> list[str]:
    nulls = run["S_of_uniform"]
    assert isinstance(nulls, dict)
    return [f"{x:.4f}" for x in (run["S"], run["S_m"], nulls["bidirectional"], nulls["causal"])]


def test_runs_made_elsewhere_are_left_out(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write([])
    words = ["compare", "e.yaml", "--data_path", str(ring), "--jobs"]
    assert main([*words, "ring_VanillaAE", "ring_VanillaAR"]) == 0
    shutil.rmtree("saved/e/ring_VanillaAE")
    write(["rank"])
    assert main([*words, "ring_VanillaAR"]) == 0
    line = "left out: ring_VanillaAE: no run folder here"
    assert f"figures of table 2: {line}" in capsys.readouterr().err
    assert f"\n{line}\n" in tables()
    runs = json.loads(Path("results/e/figures/2/rank.json").read_text())["runs"]
    assert [one["run"] for one in runs] == ["ring_VanillaAR"]
    shutil.rmtree("saved/e")
    shutil.rmtree("results/e/figures")
    assert main([*words, "ring_VanillaAR"]) == 0  # a note, not a failure
    both = "left out: ring_VanillaAE, ring_VanillaAR: no run folder here"
    assert both in capsys.readouterr().err
    assert not Path("results/e/figures").exists()


def test_a_job_that_has_left_the_table_leaves_its_figures(ring: Path) -> None:
    path = write(["rank"])
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main(words) == 0
    given = yaml.safe_load(path.read_text())
    del given["tables"]["2"]["jobs"]["ring_VanillaAR"]
    path.write_text(yaml.safe_dump(given))
    assert main(words) == 0
    runs = json.loads(Path("results/e/figures/2/rank.json").read_text())["runs"]
    assert [one["run"] for one in runs] == ["ring_VanillaAE"]


@pytest.mark.parametrize("ending", ["png", "svg", "json"])
def test_a_figure_that_is_gone_is_drawn_anew(
    ending: str, ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the run folders a line says what to remove."""
    pytest.importorskip("plotly", reason="the page needs it")
    write(["rank"])
    words = ["compare", "e.yaml", "--data_path", str(ring)]
    assert main(words) == 0
    folder = Path("results/e/figures/2").absolute()
    gone = folder / f"rank.{ending}"
    was = gone.read_bytes()
    gone.unlink()
    assert main(words) == 0
    assert gone.read_bytes() == was
    gone.unlink()
    shutil.rmtree("saved/e/ring_VanillaAR")  # to draw it anew would take this run out of it
    capsys.readouterr()
    if ending == "png":  # the report names it, and does not read it
        assert main(words) == 0
        return
    assert main(words) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"error: {gone}: ")
    assert line.endswith(f"; remove {folder}: figures are drawn anew where the run folders are")
    shutil.rmtree(folder)
    assert main(words) == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError("--out: x cannot be written (full)"), "--out: x cannot be written (full)"),
        (np.linalg.LinAlgError("SVD did not converge"), "LinAlgError: SVD did not converge ("),
        (MemoryError("9 TiB"), "out of memory (9 TiB)"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_figure_that_fails_stops_no_table(
    error: Exception,
    said: str,
    ring: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those before it are kept, and the next comparison makes the rest."""
    write(["sparsity", "rank"])
    save = Picture.save

    def fail(picture: Picture, folder: Path) -> Path:
        if picture.name == "rank":
            raise error
        return save(picture, folder)

    words = ["compare", "e.yaml", "--data_path", str(ring)]
    with monkeypatch.context() as patched:
        patched.setattr(Picture, "save", fail)
        assert main(words) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"failed: figures of table 2: {said}")
    out = tables()
    assert "![sparsity](figures/2/sparsity.png)" in out and "figures/2/rank" not in out
    assert f"not all figures were made ({type(error).__name__})" in out
    assert Path("results/e/tables.tex").exists()
    assert main(words) == 0
    out = tables()
    assert "![sparsity](figures/2/sparsity.png)" in out
    assert "![rank](figures/2/rank.png)" in out and "not all figures" not in out


def test_figures_that_cannot_be_noted_stop_no_table(
    ring: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(analyses, "_write", fail)
    write(["rank"])
    assert main(["compare", "e.yaml", "--data_path", str(ring)]) == 1
    assert "failed: figures of table 2: OSError: " in capsys.readouterr().err
    assert Path("results/e/tables.md").exists()


def test_a_single_run_is_compared_with_none(ring: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A note, not a failure."""
    write(["choices", "locality"])
    words = ["compare", "e.yaml", "--data_path", str(ring), "--jobs", "ring_VanillaAE"]
    assert main(words) == 0
    line = "figures of table 2: choices, locality: compares runs: two or more are needed"
    assert line in capsys.readouterr().err
