"""`recbole_ext analyze rollouts`: which curves are drawn, and what is refused."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.analysis.rollouts_command import labels, read_report
from recbole_ext.analysis.rollouts_figure import curves, heading, limits
from recbole_ext.cli import main
from recbole_ext.errors import DataError


def report(model: str, values: list[float | None], **changes: Any) -> dict[str, Any]:
    return {
        "model": model,
        "run_dir": f"saved/{model}-1",
        "options": {"decode": "greedy", "steps": len(values)},
        "model_statistics": {"HR@10": values, "repeats": values},
        "truth_statistics": {"repeats": [0.0, 0.5]},
        **changes,
    }


def test_one_curve_for_each_model_and_one_for_the_truth() -> None:
    reports = [report("FPARec", [0.1, 0.2]), report("SASRec", [0.3, None])]
    found = curves("repeats", reports, labels(reports))
    assert found[0] == ("FPARec", "-", [0.1, 0.2])
    assert (found[1][:2], found[1][2][0]) == (("SASRec", "-"), 0.3)
    assert math.isnan(found[1][2][1])
    assert found[2:] == [("held out", "--", [0.0, 0.5])]
    assert [label for label, *_ in curves("HR@10", reports, labels(reports))] == [
        "FPARec", "SASRec",
    ]  # fmt: skip
    assert curves("gini", reports, labels(reports)) == []


def test_the_heading_names_data_and_users() -> None:
    one = report("A", [0.1], dataset="d", users=1200)
    assert heading([one, one]) == "rollouts on d (1,200 users)"
    assert heading([one, report("A", [0.1], dataset="e")]) == "rollouts on d (1,200 users), e"
    assert heading([report("A", [0.1])]) == "rollouts"


def test_a_small_change_looks_small() -> None:
    low, high = limits([("A", "-", [7.3514, float("nan"), 7.3522])]) or (0.0, 0.0)
    assert high - low == pytest.approx(1.1 * 0.05 * 7.3522)
    assert limits([("A", "-", [0.0, 1.0])]) == pytest.approx((-0.05, 1.05))
    assert limits([("A", "-", [0.0])]) is None and limits([]) is None


def test_labels_tell_reports_apart() -> None:
    beam = report("A", [1.0], options={"decode": "beam", "steps": 1})
    assert labels([report("A", [1.0]), report("B", [1.0])]) == ["A", "B"]
    assert labels([report("A", [1.0]), beam]) == ["A, greedy", "A, beam"]
    new = report("A", [1.0], options={"decode": "greedy", "exclude_seen": True})
    assert labels([report("A", [1.0]), new]) == ["A, greedy", "A, greedy, seen excluded"]
    again = report("A", [1.0], run_dir="saved/A-2")
    assert labels([report("A", [1.0]), again]) == ["A, A-1", "A, A-2"]
    assert labels([report("A", [1.0]), beam, again]) == [
        "A, A-1, greedy", "A, A-1, beam", "A, A-2, greedy",
    ]  # fmt: skip
    hot, cold = (
        report("A", [1.0], options={"decode": "sample", "temperature": t, "seed": 0, "steps": 1})
        for t in (2.0, 0.5)
    )
    assert labels([hot, cold]) == [
        "A, sample, temperature 2, seed 0",
        "A, sample, temperature 0.5, seed 0",
    ]
    assert labels([hot, hot])[1] == "A, A-1, sample, temperature 2, seed 0, (2)"


def test_reports_from_folders_and_files(tmp_path: Path) -> None:
    one = report("FPARec", [0.1, 0.2])
    (tmp_path / "rollouts.json").write_text(json.dumps(one))
    assert read_report(tmp_path) == read_report(tmp_path / "rollouts.json") == one


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", '"x"', json.dumps(report("A", ["x"])), json.dumps({"model": 3})],  # type: ignore[list-item]
)
def test_files_that_are_no_report(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=r"x.json: is no report of recbole_ext generate --evaluate"):
        read_report(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nowhere", "--out=x.png"], "nowhere: cannot be read (No such file or directory); make "),
        (["bad.json", "--out=x.png"], "bad.json: cannot be read ("),
        (["ok.json", "--out=x.doc"], "--out: 'x.doc' must end in .png, .svg, .pdf"),
        (["ok.json", "--out=/dev/stdout"], "--out: /dev/stdout is a device, no file\n"),
        (["ok.json", "--out=no/x.png"], "--out: no/x.png cannot be written (no folder"),
    ],
)
def test_mistakes(
    words: list[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("{")
    Path("ok.json").write_text(json.dumps(report("A", [0.5, 1.0])))
    assert main(["analyze", "rollouts", *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: {line}")


def test_without_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, module, None)
    Path("ok.json").write_text(json.dumps(report("A", [0.5, 1.0])))
    assert main(["analyze", "rollouts", "ok.json", "--out=x.png"]) == 2
    assert capsys.readouterr().err == (
        'error: a figure needs the package matplotlib: pip install "recbole_ext[figures]"\n'
    )
    assert [file.name for file in tmp_path.iterdir()] == ["ok.json"]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_figure(
    ending: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for model in ("FPARec", "SASRec"):
        Path(f"{model}.json").write_text(json.dumps(report(model, [0.5, 1.0])))
    words = ["FPARec.json", "SASRec.json", f"--out=x.{ending}"]
    assert main(["analyze", "rollouts", *words]) == 0
    assert capsys.readouterr().out == f"figure: {Path(f'x.{ending}').resolve()}\n"
    begins = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[ending]
    drawn = Path(f"x.{ending}").read_bytes()
    assert drawn.startswith(begins) and len(drawn) > 5000
