"""`recbole_ext analyze positions`: both tables of a data set made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recbole_ext.cli import main

USERS = {"ann": "a b c d e f", "bob": "b a d", "cid": "c d"}  # ann trains on a b c d
AUDIT = "toy, MAX_ITEM_LIST_LENGTH {limit}: (item, prediction) pairs in training"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        f"{user}\t{item}\t{100 * time}"
        for user, items in USERS.items()
        for time, item in enumerate(items.split())
    ]
    Path("dataset", "toy").mkdir(parents=True)
    head = "user_id:token\titem_id:token\ttimestamp:float"
    Path("dataset", "toy", "toy.inter").write_text("\n".join([head, *rows]) + "\n")


def lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[list[str]]:
    given = ["analyze", "positions", "--dataset=toy", "--data_path=dataset", *words]
    assert main(given) == 0
    return [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("toy")
def test_a_user_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys, "--user=ann", "--max_length=10")
    assert found[0][:2] == ["user", "ann:"]
    assert found[1] == ["form", "predicts", "a", "b", "c"]
    assert found[3:12] == [
        ["absolute", "packed", "b", "3"], ["c", "3", "2"], ["d", "3", "2", "1"],
        ["corrected", "exact", "b", "1"], ["c", "2", "1"], ["d", "3", "2", "1"],
        ["relative", "packed", "b", "1"], ["c", "2", "1"], ["d", "3", "2", "1"],
    ]  # fmt: skip


@pytest.mark.usefixtures("toy")
def test_the_counts_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    lines(capsys, "--max_length=10", "--out=audit.json")
    found = json.loads(Path("audit.json").read_text())
    assert found["max_length"] == 10
    packed = found["forms"]["absolute packed"]
    assert (packed["predictions"], packed["pairs"], packed["differing"]) == (4, 7, 3)


@pytest.mark.usefixtures("toy")
def test_the_audit_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """Ann has three predictions and six pairs, three of them elsewhere; cid one of each."""
    found = lines(capsys, "--max_length=10")
    assert found[0][:2] == ["user", "ann:"]  # the training part nearest to a readable one
    assert " ".join(found[13]) == AUDIT.format(limit=10)
    assert found[16:] == [
        ["absolute", "packed", "4", "7", "3", "42.86", "%", "0"],
        ["corrected", "exact", "4", "7", "0", "0.00", "%", "0"],
        ["relative", "packed", "4", "7", "0", "0.00", "%", "0"],
    ]


@pytest.mark.usefixtures("toy")
def test_a_short_window(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys, "--user=ann", "--max_length=2", "--show=2")
    assert found[1] == ["(the", "newest", "2", "of", "3", "predictions", "and", "items)"]
    assert found[4:6] == [["absolute", "packed", "c", "2"], ["d", "2", "1"]]
    assert found[-3:] == [
        ["absolute", "packed", "3", "4", "1", "25.00", "%", "2"],
        ["corrected", "exact", "4", "6", "0", "0.00", "%", "0"],
        ["relative", "packed", "3", "4", "0", "0.00", "%", "2"],
    ]


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--user=Ann"], "--user: unknown user 'Ann', not in data set 'toy'; did you mean 'ann'?"),
        (["--user=bob"], "user 'bob' has no two training items: nothing is predicted"),
        (["--max_length=0"], "MAX_ITEM_LIST_LENGTH: '0' (from --MAX_ITEM_LIST_LENGTH) must be a "),
        (["--show=all"], "--show: 'all' must be a whole number of 1 or more"),
        (["--model=Pop"], "--model: 'Pop' is no sequential model: no positions"),
        (["--colour=red"], "unknown key 'colour' (from --colour) for model VanillaAR"),
    ],
)
def test_mistakes(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "positions", "--dataset=toy", "--data_path=dataset", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {line}")


@pytest.mark.parametrize(
    "words",
    [[], ["--help"], ["positions", "--help"], ["rollouts", "--help"], ["runs", "--help"], ["runs"]],
)
def test_kinds(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["analyze", *words])
    helped = "--help" in words
    assert stop.value.code == (0 if helped else 2)
    out, err = capsys.readouterr()
    if helped:
        assert "usage: recbole_ext analyze" in out
    else:
        assert err.startswith("error: the following arguments are required: ")
