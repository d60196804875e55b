"""`recbole_ext generate`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.cli import main
from recbole_ext.inference.asked import asked
from recbole_ext.inference.generation.generate import everyone, generate
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.runner import Run

Trained = Callable[[str], Run]


@pytest.fixture
def place(model_of: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("run").symlink_to(model_of("SASRec").run_dir)
    return tmp_path


@pytest.mark.usefixtures("place")
def test_all_users_into_a_file(model_of: Trained) -> None:
    assert main(["generate", "run", "--steps=3", "--out=next.jsonl"]) == 0
    lines = [json.loads(line) for line in Path("next.jsonl").read_text().splitlines()]
    run = model_of("SASRec")
    frame = generate(run, everyone(run), RolloutOptions(steps=3)).to_frame()
    assert lines == frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert len(lines) == 180


@pytest.mark.usefixtures("place")
def test_some_users_sampled(model_of: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--decode=sample", "--temperature=0.5", "--top_k=7", "--seed=4", "--steps=5"]
    assert main(["generate", "run", "--user=u3\nu1", *words, "--exclude_seen", "--format=csv"]) == 0
    found = list(csv.reader(capsys.readouterr().out.splitlines()))
    options = RolloutOptions(
        steps=5, decode="sample", temperature=0.5, top_k=7, seed=4, exclude_seen=True
    )
    expected = generate(model_of("SASRec"), asked(["u3", "u1"]), options)
    assert found[0] == ["user", "step", "item", "score", "title"]
    assert [row[:3] for row in found[1:]] == [
        [row.user, str(row.rank), row.item] for row in expected
    ]


@pytest.mark.usefixtures("place")
def test_histories_and_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--history=i3 i4", "--history=i9", "--decode=beam", "--beam_size=3", "--steps=2"]
    assert main(["generate", "run", *words]) == 0
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["history", "step", "item", "score", "title"]
    assert [line.split()[:2] for line in lines] == [["0", "1"], ["0", "2"], ["1", "1"], ["1", "2"]]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--steps=many"], "--steps: 'many' must be a whole number of 1 or more"),
        (["--decode=gredy"], "decode: 'gredy' must be greedy, sample, beam; did you mean 'greed"),
        (["--temperature=2"], "temperature is for decode: sample, not greedy"),
        (["--decode=sample", "--temperature=hot"], "--temperature: 'hot' must be a number > 0"),
        (["--decode=sample", "--temperature=nan"], "--temperature: nan must be a number > 0"),
        (["--out=/dev/stdout"], "--out: /dev/stdout is a device; without --out stdout is written "),
        (["--out=no/x.csv"], "--out: no/x.csv cannot be written (no folder "),
        (["--user=u1", "--history=i1"], "generate needs one of --user, --history, --users_file, "),
        (["--evaluate", "--format=csv"], "--format is for the items that --out writes beside --ev"),
        (["--user=u99"], "--user: unknown user 'u99', not in data set 'shop'"),
    ],
)
def test_mistakes(
    words: list[str], line: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "run", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"error: {line}")
    assert [file.name for file in place.iterdir()] == ["run"]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("words", [[], ["--out=next.csv"]], ids=["in the run", "beside --out"])
def test_a_report_that_cannot_be_written_is_told_before_the_work(
    words: list[str], model_of: Trained, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copytree(model_of("SASRec").run_dir, "copy")
    Path("copy/rollouts.json").mkdir()
    Path("next.report.json").mkdir()
    monkeypatch.setattr("recbole_ext.runner.load", None)
    assert main(["generate", "copy", "--evaluate", *words]) == 2
    option, file = ("--out", "next.report") if words else ("without --out", "copy/rollouts")
    place = Path(f"{file}.json").absolute()
    assert capsys.readouterr() == ("", f"error: {option}: {place} is a folder\n")
