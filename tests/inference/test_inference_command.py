"""`recbole_ext recommend`: what it prints and writes, and each line that refuses."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from shop import write_items

from recbole_ext.cli import main
from recbole_ext.inference.results import Recommendations
from recbole_ext.runner import Run, load

Trained = Callable[[str], Run]


@pytest.fixture
def place(model_of: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a run of FPARec in `run` and one of Pop in `pop`."""
    monkeypatch.chdir(tmp_path)
    Path("run").symlink_to(model_of("FPARec").run_dir)
    Path("pop").symlink_to(model_of("Pop").run_dir)
    return tmp_path


@pytest.fixture
def expected(model_of: Trained) -> Callable[..., Recommendations]:
    return lambda *whom, **how: load(model_of("FPARec").run_dir).recommend(*whom, **how)


def as_csv(answer: Recommendations) -> list[list[str]]:
    frame = answer.to_frame()
    return [
        frame.columns.tolist(),
        *(["" if cell is None else str(cell) for cell in row] for row in frame.to_numpy(object)),
    ]


def files(folder: Path) -> set[str]:
    """What lies in a folder, but for the empty one that RecBole's Trainer makes anywhere."""
    return {file.name for file in folder.iterdir()}


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.usefixtures("place")
def test_known_users(
    expected: Callable[..., Recommendations], capsys: pytest.CaptureFixture
) -> None:
    assert main(["recommend", "run", "--user=u3, u1", "--user=u2", "--format=csv", "--k=4"]) == 0
    assert read_csv(capsys.readouterr().out) == as_csv(expected(["u3", "u1", "u2"], k=4))


@pytest.mark.usefixtures("place")
def test_histories(expected: Callable[..., Recommendations], capsys: pytest.CaptureFixture) -> None:
    words = ["--history=i3 i4", "--history= i9  i8 ", "--format=jsonl"]
    assert main(["recommend", "run", *words]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    frame = expected([["i3", "i4"], ["i9", "i8"]]).to_frame()
    assert lines == frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert len(lines) == 20


@pytest.mark.usefixtures("place")
def test_the_table(expected: Callable[..., Recommendations], capsys: pytest.CaptureFixture) -> None:
    assert main(["recommend", "run", "--user=u3", "--k=2"]) == 0
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["user", "rank", "item", "score", "title"]
    assert [line.split(maxsplit=4) for line in lines] == [
        ["u3", str(row.rank), row.item, f"{row.score:.4f}", row.title]
        for row in expected(["u3"], k=2)
    ]


def test_files(place: Path, expected: Callable[..., Recommendations]) -> None:
    Path("users.txt").write_text("\ufeffu5\r\n\n u2\t\n")
    assert main(["recommend", "run", "--users_file=users.txt", "--output=best.csv"]) == 0
    assert read_csv(Path("best.csv").read_text()) == as_csv(expected(["u5", "u2"]))
    Path("h.txt").write_text("i1 i2\ni3\n")
    words = ["--histories_file=h.txt", "--include_seen", "--output=best.jsonl", "--batch_size=1"]
    assert main(["recommend", "run", *words]) == 0
    lines = Path("best.jsonl").read_text().splitlines()
    answer = expected([["i1", "i2"], ["i3"]], exclude_seen=False, batch_size=1)
    assert [json.loads(line)["item"] for line in lines] == answer.item.tolist()
    assert files(place) == {
        "run", "pop", "users.txt", "h.txt", "best.csv", "best.jsonl",
    }  # fmt: skip


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("option", ["--users_file=-", "--histories_file=-"])
def test_stdin(option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    typed = b"u5\nu6\n" if "users" in option else b"i5\ni6 i7\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
    assert main(["recommend", "run", option, "--k=1", "--format=csv"]) == 0
    who = [row[0] for row in read_csv(capsys.readouterr().out)]
    assert who == (["user", "u5", "u6"] if "users" in option else ["history", "0", "1"])


@pytest.mark.usefixtures("place")
def test_skipping_says_so_on_stderr(capsys: pytest.CaptureFixture) -> None:
    words = ["--history=i1 x", "--on_unknown=skip", "--title_field=", "--format=csv"]
    assert main(["recommend", "run", *words]) == 0
    out, err = capsys.readouterr()
    assert err == "warning: left out 'x' (--history 0): not in data set 'shop'\n"
    assert out.startswith("history,rank,item,score\n0,1,")


ONE_OF = "recommend needs one of --user, --history, --users_file, --histories_file"
COUNT = "must be a whole number of 1 or more"
NOT_HERE = "not in data set 'shop'"
WRONG: list[tuple[list[str], str]] = [
    (["run"], f"{ONE_OF}; none is given"),
    (["run", "--user=u1", "--history=i1"], f"{ONE_OF}; --user and --history are given"),
    (["run", "--user=u1", "--k=0"], f"--k: 0 {COUNT}"),
    (["run", "--user=u1", "--k=many"], f"--k: 'many' {COUNT}"),
    (["run", "--user=u1", "--k=2.5"], f"--k: '2.5' {COUNT}"),
    (["run", "--user=u1", "--batch_size=-1"], f"--batch_size: -1 {COUNT}"),
    (["run", "--user=u1", "--on_unknown=x"], "on_unknown: 'x' must be error or skip"),
    (["run", "--user=u1", "--format=cvs"], "--format: 'cvs' must be table, csv, jsonl; did you "
     "mean 'csv'?"),
    (["run", "--user=u1", "--out="], "--out: an empty file name"),
    (["run", "--user=u1", "--out=run"], "--out: run is a folder"),
    (["run", "--user=u1", "--out=/dev/null"], "--out: /dev/null is a device; without "
     "--out stdout is written to"),
    (["run", "--user=u1", "--out=no/x.csv"], "--out: no/x.csv cannot be written (no folder "
     "{place}/no)"),
    (["run", "--user="], "--user: an empty user token"),
    (["run", "--user=u1,,u2"], "--user: an empty user token"),
    (["run", "--user=u1,U2"], f"--user: unknown user 'U2', {NOT_HERE}; did you mean 'u2'?"),
    (["run", "--history=i1", "--history=i2 I3"], f"--history 1: unknown item 'I3', {NOT_HERE}; did "
     "you mean 'i3'?"),
    (["run", "--history="], "--history 0: the history is empty; one item is needed to continue "
     "from"),
    (["run", "--users_file=none.txt"], "none.txt: cannot be read (No such file or directory)"),
    (["run", "--users_file=run"], "run: cannot be read (Is a directory)"),
    (["run", "--users_file=empty"], "empty: is empty; expected one user token a line"),
    (["run", "--histories_file=blank"], "blank: is empty; expected one history a line"),
    (["run", "--users_file=binary"], "binary, line 2: not UTF-8 text (invalid start byte)"),
    (["run", "--users_file=users"], f"users, line 3: unknown user 'u99', {NOT_HERE}; did you mean "
     "'u9'?"),
    (["run", "--histories_file=gap"], "gap, line 2: the history is empty; one item is needed to "
     "continue from"),
    (["pop", "--history=i1"], "model 'Pop' recommends for the users it was trained on, not for "
     "histories: it is no sequential model"),
    (["run", "--user=u1", "--title_field=names"], "{data}/shop/shop.item, line 1: no column 'names'"
     " (title_field); did you mean 'name'?; an empty title_field does without titles"),
    (["nowhere", "--user=u1"], "nowhere is no run folder: it does not exist"),
    (["run", '--user="u1,u2",u3'], f"--user: unknown user 'u1,u2', {NOT_HERE}; did you mean "
     "'u12'?"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "line"), WRONG, ids=range(len(WRONG)))
def test_mistakes(
    words: list[str], line: str, place: Path, shop_data: Path, capsys: pytest.CaptureFixture
) -> None:
    Path("empty").touch()
    Path("blank").write_text("\n \n")
    Path("binary").write_bytes(b"u1\n\xff\n")
    Path("users").write_text("u1\n\nu99\n")
    Path("gap").write_text("i1\n\ni2\n")
    before = files(place)
    assert main(["recommend", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {line.format(place=place, data=shop_data)}\n")
    assert files(place) == before


@pytest.mark.usefixtures("place")
def test_a_malformed_item_file(shop_data: Path, capsys: pytest.CaptureFixture) -> None:
    path = shop_data / "shop" / "shop.item"
    try:
        path.write_text("item_id:token\tname:token_seq\ni1\tOne\ni2\n")
        assert main(["recommend", "run", "--user=u1"]) == 2
        assert capsys.readouterr().err == (
            f"error: {path}, line 3: 1 columns where the header has 2; an empty title_field does "
            "without titles\n"
        )
        assert main(["recommend", "run", "--user=u1", "--title_field="]) == 0
        path.unlink()
        capsys.readouterr()
        assert main(["recommend", "run", "--user=u1", "--format=csv"]) == 0
        assert capsys.readouterr().out.startswith("user,rank,item,score\n")
    finally:
        write_items(shop_data)


@pytest.mark.usefixtures("place")
def test_a_folder_that_nobody_may_write_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    assert main(["recommend", "run", "--user=u1", "--out=x.csv"]) == 2
    assert capsys.readouterr().err == (
        "error: --out: x.csv cannot be written (its folder is read-only)\n"
    )


def test_help_and_wrong_use_import_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from recbole_ext.cli import main; main('recommend x --user=a --k=0'.split())"
        "; print([m for m in ('torch', 'pandas', 'recbole') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == f"error: --k: 0 {COUNT}\n"


@pytest.mark.usefixtures("place")
def test_a_run_folder_may_be_moved(model_of: Trained, capsys: pytest.CaptureFixture) -> None:
    shutil.copytree(model_of("FPARec").run_dir, "moved")
    assert main(["recommend", "moved", "--user=u1", "--k=1", "--format=csv"]) == 0
    assert len(read_csv(capsys.readouterr().out)) == 2
