"""`recbole_ext analyze tokens` on data made by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from recbole_ext.cli import main

KEYS = ("--n_codes=2", "--codebook_size=4")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    users = {"ann": "a b a b a c", "bob": "b a d c", "cid": "c d"}
    rows = [
        f"{user}\t{item}\t{100 * time}"
        for user, items in users.items()
        for time, item in enumerate(items.split())
    ]
    Path("dataset", "toy").mkdir(parents=True)
    head = "user_id:token\titem_id:token\ttimestamp:float"
    Path("dataset", "toy", "toy.inter").write_text("\n".join([head, *rows]) + "\n")


def analyze(*words: str) -> int:
    return main(["analyze", "tokens", "--dataset=toy", "--data_path=dataset", *words])


@pytest.mark.usefixtures("toy")
def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    Path("book.txt").write_text("one two one two\nthree four\n")
    assert analyze(*KEYS, "--text=book.txt") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "toy: codes rq"
    cells = {first: rest for first, *rest in (re.split(r"\s{2,}", line) for line in lines[3:7])}
    # Training: a b a b, b a, c d. Pairs ab ba ab, ba, cd: two come again. Tests ac, dc: both new.
    counts, bits = ["8", "4"], ["1.811", "0.000"]
    assert cells["items"] == [*counts, *bits, "-0.908", "40.00 %", "0.00 %", "100.00 %"]
    assert cells["codes (2 an item)"][0] == "16"
    assert cells["text, words"][:4] == ["4", "2", "1.000", "0.000"]
    assert cells["text, characters"][0] == str(len("one two one two"))


@pytest.mark.usefixtures("toy")
def test_the_numbers_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(*KEYS, "--out=tokens.json") == 0
    assert f"written: {Path('tokens.json').resolve()}" in capsys.readouterr().out
    found = json.loads(Path("tokens.json").read_text())
    assert (found["dataset"], found["codes"]) == ("toy", "rq")
    items = found["forms"]["items"]
    assert (items["tokens"], items["types"], items["unseen"]) == (8, 4, 1.0)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--text=none.txt",), "--text: 'none.txt' cannot be read: No such file or directory"),
        (("--text=dataset",), "--text: 'dataset' cannot be read: Is a directory"),
        (("--text=binary",), "--text: binary is not UTF-8 (byte 1)"),
        (("--text=short",), "--text: short needs two lines of text: one is held out"),
        (("--model=VanillaAR",), "--model: 'VanillaAR' has no codes; TokenizedSASRec has"),
        (("--model=Nobody",), "unknown model 'Nobody'"),
        (("--codes=xyz",), "codes: 'xyz' (from --codes) must be one of"),
    ],
)
def test_refused(words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("binary").write_bytes(b"a\xff\n")
    Path("short").write_text("one line\n\n...\n")
    assert analyze(*words) == 2
    line = capsys.readouterr().err
    assert expected in line and line.count("\n") == 1


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["analyze", "tokens", "--help"])
    assert end.value.code == 0
    assert "--text FILE" in capsys.readouterr().out
