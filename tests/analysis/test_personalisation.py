"""Users with the same newest items: counted by hand, and what models give them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_input import Refused
from hypothesis import given
from hypothesis import strategies as st
from small import write_atomic

from recbole_ext.analysis.personalisation import groups_of, lengths_of, overlap, partners, sharing
from recbole_ext.cli import main
from recbole_ext.data.rows import Rows
from recbole_ext.data.store import SequenceStore
from recbole_ext.runner import Run, load, run

Settings = Callable[..., dict[str, Any]]


def histories(*given: list[int]) -> tuple[SequenceStore, Rows]:
    """A user each, who takes item 9 after the history."""
    items = [item for history in given for item in (*history, 9)]
    lengths = np.array([0, *(len(history) + 1 for history in given)])
    offsets = np.concatenate([[0], lengths.cumsum()])
    store = SequenceStore(np.array(items), offsets, 10)
    end = offsets[2:] - 1
    return store, Rows(np.arange(1, len(given) + 1), offsets[1:-1], end)


BY_HAND = ([1, 2, 3], [4, 2, 3], [2, 3], [2, 3], [5, 3, 2], [3], [8, 8, 8])


def test_sharing_by_hand() -> None:
    """The last item: five have 3. The last two: four have 2, 3. All three: [2, 3] twice."""
    store, rows = histories(*BY_HAND)
    found = sharing(store, rows, window=3)
    counts = [(one["last"], one["users"], one["groups"], one["largest_group"]) for one in found]
    assert counts == [(1, 5, 1, 5), (2, 4, 1, 4), (3, 2, 1, 2)]
    assert [one["share"] for one in found] == [5 / 7, 4 / 7, 2 / 7]


def test_overlap_by_hand() -> None:
    """Of two: 1 of 3 items in common. Of three: 1, 0 and 0, a ring whatever its order."""
    lists = np.array([[1, 2], [2, 3], [4, 5], [5, 4], [6, 7], [8, 9]])
    assert overlap(lists, np.array([0, 0, 1, 2, 3, 4])) == pytest.approx(1 / 3)
    assert overlap(lists, np.array([4, 3, 0, 0, 0, 1])) == pytest.approx(1 / 3)
    assert overlap(lists, np.arange(6)) is None


def test_lengths() -> None:
    assert lengths_of(50) == [1, 2, 3, 5, 10, 50]
    assert lengths_of(5) == [1, 2, 3, 5]
    assert lengths_of(1) == [1]


SOME = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=6), min_size=1, max_size=12)


@given(SOME, st.integers(1, 7))
def test_groups_are_equal_newest_items(some: list[list[int]], m: int) -> None:
    groups = groups_of(*histories(*some), m)
    newest = [history[-m:] for history in some]
    for row, one in enumerate(newest):
        assert [bool(g == groups[row]) for g in groups] == [other == one for other in newest]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(0, 9))
def test_everyone_has_a_partner_of_the_group(some: list[int], seed: int) -> None:
    groups = np.array(some)
    pairs = partners(groups, np.random.default_rng(seed))
    assert (groups[pairs[:, 0]] == groups[pairs[:, 1]]).all()
    company = [row for row in range(len(some)) if some.count(some[row]) > 1]
    assert sorted(pairs[:, 0]) == sorted(pairs[:, 1]) == company


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve pairs of users, alike but for the first item, of a window of 8, and the test item."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for user in range(24):
        items = [20 + user, *((3 * (user // 2) + step) % 20 for step in range(9)), user]
        rows += [(f"u{user}", f"i{item}", float(step)) for step, item in enumerate(items)]
    return write_atomic(tmp_path / "data", "twins", rows)


def test_only_a_model_with_users_tells_twins_apart(
    twins: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for model in ("VanillaAR", "SSEPT"):
        chosen = settings(data_path=str(twins), run_dir=model, epochs=5)
        run(model, "twins", config_dict=chosen)
    words = ["analyze", "personalisation", "VanillaAR", "SSEPT", "--k=5", "--out=same.json"]
    assert main([*words, "--dataset=twins", f"--data_path={twins}", "--max_length=8"]) == 0
    printed = capsys.readouterr().out
    found = json.loads(Path("same.json").read_text())
    alike, apart = found["runs"]
    for one in (found["data"], alike, apart):
        assert (one["users"], one["window"]) == (24, 8)
        assert [row["last"] for row in one["sharing"]] == [1, 2, 3, 5, 8]
        assert one["sharing"][-1]["users"] == 24 and one["sharing"][-1]["groups"] == 12
    assert alike["sharing"][-1]["overlap"] == 1.0 > alike["random_overlap"]
    assert alike["random_overlap"] < apart["sharing"][-1]["overlap"] < 1.0
    assert "overlap" not in found["data"]["sharing"][-1]
    assert f"{apart['sharing'][-1]['overlap']:.4f}" in printed and "100.00 %" in printed


def test_a_table_is_printed_before_the_next_run_is_loaded(
    twins: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("VanillaAR", "twins", config_dict=settings(data_path=str(twins), run_dir="one", epochs=1))
    shutil.copytree("one", "two")
    printed: list[str] = []

    def noting(folder: Path, **anew: Any) -> Run:
        printed.append(capsys.readouterr().out)
        return load(folder, **anew)

    monkeypatch.setattr("recbole_ext.runner.load", noting)
    assert main(["analyze", "personalisation", "one", "two", "./one", "--k=5"]) == 0
    first, second = printed
    assert first == ""
    assert second.startswith("VanillaAR on twins (one): users whose newest items are another's")
    assert main(["analyze", "personalisation", "one", "none"]) == 2
    assert printed[2:] == []  # a mistake is told first


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "nothing to look at: give --dataset=NAME or run folders"),
        (["one", "--k=0"], "--k: 0 must be a whole number of 1 or more"),
        (["one", "--split_protocol=paper"], "is for --dataset; a run has its own settings"),
        (["one", "--max_length=3"], "is for --dataset; a run has its own settings"),
        (["none"], "none is no run folder: it does not exist"),
        (["--dataset=d", "--model=BPR"], "--model: 'BPR' is no sequential model"),
        (["one", "--out=no/x.json"], "--out: no/x.json cannot be written (no folder "),
    ],
)
def test_what_is_refused(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line in Refused(tmp_path, capsys)("analyze", "personalisation", *words)
