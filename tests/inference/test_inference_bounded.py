"""Lists under a bound on exposure: never exceeded, filled where they can be, best pairs first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recbole_ext.cli import main
from recbole_ext.data.popularity import interaction_counts
from recbole_ext.inference import bounded
from recbole_ext.inference.bounded import bounded_lists, exposure_limits, log_softmax
from recbole_ext.runner import Run

Trained = Callable[[str], Run]
Floats = NDArray[np.float64]


def by_matrix(scores: Floats) -> bounded.Candidates:
    """The candidates of lists whose scores [R, V] are known."""

    def best(
        rows: NDArray[np.int64], k: int, closed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], Floats]:
        some = np.where(closed, -np.inf, scores[rows])
        some[:, 0] = -np.inf
        items = np.argsort(-some, axis=1, kind="stable")[:, :k]
        return items, np.take_along_axis(some, items, 1)

    return best


def naive(scores: Floats, k: int, limits: list[int]) -> list[list[int]]:
    """All pairs of one big round, the most probable first."""
    rows, n_items = scores.shape
    masked = scores.copy()
    masked[:, np.array(limits) == 0] = -np.inf
    share = log_softmax(masked)
    pairs = [(-share[r, i], r, -masked[r, i], i) for r in range(rows) for i in range(1, n_items)
             if masked[r, i] > -np.inf]  # fmt: skip
    lists: list[list[int]] = [[] for _ in range(rows)]
    left = list(limits)
    for _, row, _, item in sorted(pairs):
        if left[item] and len(lists[row]) < k:
            lists[row].append(item)
            left[item] -= 1
    return lists


def test_limits_by_hand() -> None:
    consumption = np.array([9, 6, 3, 1, 0])
    assert exposure_limits(consumption, 1.0, 10).tolist() == [0, 6, 3, 1, 0]
    assert exposure_limits(consumption, 1.5, 10).tolist() == [0, 9, 4, 1, 0]
    assert exposure_limits(consumption, 0.5, 10).tolist() == [0, 3, 1, 0, 0]
    # A tenth of three places thrice is 0.9 in floating point, not 1: no place is lost by that.
    assert exposure_limits(np.array([0, 1, 1, 1]), 0.1, 30).tolist() == [0, 1, 1, 1]


def test_one_list_gives_way() -> None:
    """Both want item 1, of which there is one: the more certain list gets it."""
    scores = np.array([[0.0, 5.0, 4.0, 0.0], [0.0, 5.0, 1.0, 0.0]])
    items, found = bounded_lists(by_matrix(scores), 2, 1, np.array([0, 1, 1, 1]))
    assert items.tolist() == [[2], [1]] and found.tolist() == [[4.0], [5.0]]


@given(st.integers(0, 10_000), st.integers(1, 5), st.sampled_from([0.3, 1.0, 1.7, 4.0, 50.0]))
@settings(max_examples=60)
def test_as_one_round_over_all_pairs(seed: int, k: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(7, 12))
    scores[rng.random(scores.shape) < 0.2] = -np.inf  # seen
    limits = exposure_limits(rng.integers(0, 9, 12), factor, 7 * k)
    items, found = bounded_lists(by_matrix(scores), 7, k, limits)
    expected = naive(scores, k, limits.tolist())
    assert [[i for i in row if i] for row in items.tolist()] == expected
    for row, values, own in zip(items, found, scores, strict=True):
        kept = row[row != 0]
        assert (values[: len(kept)] == own[kept]).all() and (values[len(kept) :] == -np.inf).all()
        assert (np.diff(values[: len(kept)]) <= 0).all()


@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from([0.5, 1.0, 1.3, 3.0]))
@settings(max_examples=60)
def test_in_several_rounds(seed: int, k: int, factor: float) -> None:
    """With few candidates a round: within the bound, nothing twice, and no place left in vain."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(9, 30)) - 0.2 * np.arange(30)
    limits = exposure_limits(rng.integers(0, 20, 30), factor, 9 * k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded, "CANDIDATES", 2)
        items, _ = bounded_lists(by_matrix(scores), 9, k, limits)
    counts = np.bincount(items.ravel(), minlength=30)
    assert (counts[1:] <= limits[1:]).all()
    left = np.flatnonzero(counts[1:] < limits[1:]) + 1
    for row in items:
        kept = row[row != 0].tolist()
        assert len(set(kept)) == len(kept)
        if len(kept) < k:
            assert set(left.tolist()) <= set(kept)


def test_a_wide_bound_changes_nothing() -> None:
    scores = np.random.default_rng(0).normal(size=(20, 50))
    items, _ = bounded_lists(by_matrix(scores), 20, 5, np.full(50, 10**6))
    scores[:, 0] = -np.inf
    assert (items == np.argsort(-scores, 1)[:, :5]).all()


@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_recommend_keeps_the_bound(factor: float, model_of: Trained) -> None:
    run = model_of("FPARec")
    users = [f"u{n}" for n in range(60)]
    answer = run.recommend(users, k=5, max_exposure=factor)
    counts = interaction_counts(run.dataset.store, run.loaders.split.train_end)
    given_items, places = np.unique(answer.item.astype(str), return_counts=True)
    for token, filled in zip(given_items, places, strict=True):
        share = counts[run.dataset.token2id("item_id", token)] / counts.sum()
        assert filled <= factor * share * 300 + 1e-6
    freely = run.recommend(users, k=5)
    assert freely.item.tolist() != answer.item.tolist()  # the bound bites
    again = run.recommend(users, k=5, max_exposure=factor)
    assert again.item.tolist() == answer.item.tolist()
    assert run.recommend(users, k=5, max_exposure=1e6).item.tolist() == freely.item.tolist()


@pytest.mark.parametrize(
    ("given_text", "line"),
    [
        ("0", "--max_exposure: 0.0 must be a number > 0"),
        ("much", "--max_exposure: 'much' must be a number > 0"),
        ("inf", "--max_exposure: inf must be a number > 0"),
        ("1", "max_exposure: 1.0 leaves no item for 1 lists of 3: the share of each item is less "
              "than one place; raise it or ask for more at a time"),
    ],
)  # fmt: skip
def test_refused(
    given_text: str, line: str, model_of: Trained, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    folder = str(model_of("FPARec").run_dir)
    words = ["recommend", folder, "--user=u1", "--k=3", f"--max_exposure={given_text}"]
    assert main(words) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {line}"
