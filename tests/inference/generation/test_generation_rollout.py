"""Rollouts of trained models against the same fed back by hand, one user at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from shop import N_ITEMS, best, scores_of, visits

from recbole_ext.errors import ConfigError, DataError
from recbole_ext.inference.asked import Asked, asked
from recbole_ext.inference.generation.generate import Continuations, everyone, generate
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.inference.generation.rollout import fed_back
from recbole_ext.inference.scorer import Scorer
from recbole_ext.inference.sequences import Sequences, continued
from recbole_ext.runner import Run

Trained = Callable[[str], Run]

USERS = ["u5", "u2", "u11", "u2"]
MODELS = pytest.mark.parametrize("name", ["FPARec", "SASRec", "GRU4Rec", "SHAN"])


def rolled(run: Run, whom: Asked | None = None, **how: object) -> list[list[str]]:
    """[R][T] tokens."""
    answer = generate(run, whom or asked(USERS), RolloutOptions(**{"steps": 4, **how}))  # type: ignore[arg-type]
    rows: dict[int, list[str]] = {}
    for number, row in enumerate(answer.row.tolist()):
        assert answer[number].rank == len(rows.setdefault(row, [])) + 1
        rows[row].append(answer[number].item)
    return [rows[row] for row in sorted(rows)]


def by_hand(run: Run, user: str, steps: int, exclude_seen: bool = False) -> list[str]:
    history, chosen = list(visits()[user]), []
    for _ in range(steps):
        scores = scores_of(run, history, user)
        chosen += best(run, scores, 1, history if exclude_seen else [])
        history.append(chosen[-1])
    return chosen


@MODELS
def test_greedy_is_the_best_item_fed_back(name: str, model_of: Trained) -> None:
    run = model_of(name)
    assert rolled(run, steps=8) == [by_hand(run, user, 8) for user in USERS]


@MODELS
def test_excluding_what_was_seen_or_predicted(name: str, model_of: Trained) -> None:
    run = model_of(name)
    found = rolled(run, steps=8, exclude_seen=True)
    assert found == [by_hand(run, user, 8, exclude_seen=True) for user in USERS]
    for user, items in zip(USERS, found, strict=True):
        assert len({*items, *visits()[user]}) == 8 + len(set(visits()[user]))


@MODELS
def test_one_greedy_step_is_full_ranking(name: str, model_of: Trained) -> None:
    run = model_of(name)
    users = everyone(run).users
    assert users is not None and len(users) == 60
    one = generate(run, everyone(run), RolloutOptions(steps=1))
    top = run.recommend(users=users, k=1, exclude_seen=False)
    assert one.item.tolist() == top.item.tolist()
    assert one.score.tolist() == top.score.tolist()


@MODELS
@pytest.mark.parametrize("exclude_seen", [False, True])
def test_a_beam_of_one_is_greedy(name: str, exclude_seen: bool, model_of: Trained) -> None:
    run = model_of(name)
    how = {"steps": 6, "exclude_seen": exclude_seen}
    greedy = rolled(run, everyone(run), **how)
    assert rolled(run, everyone(run), decode="beam", beam_size=1, **how) == greedy


def beam_by_hand(run: Run, user: str, steps: int, size: int) -> tuple[float, list[str]]:
    paths: list[tuple[float, list[str]]] = [(0.0, [])]
    for _ in range(steps):
        longer = []
        for total, path in paths:
            scores = scores_of(run, [*visits()[user], *path], user)
            norm = math.log(sum(math.exp(score) for score in scores.values()))
            longer += [(total + score - norm, [*path, item]) for item, score in scores.items()]
        paths = sorted(longer, key=lambda path: -path[0])[:size]
    return paths[0]


@pytest.mark.parametrize("name", ["FPARec", "GRU4Rec"])
@pytest.mark.parametrize("size", [3, 40])  # the latter is wider than the catalogue
def test_a_beam_finds_the_path_of_a_naive_search(name: str, size: int, model_of: Trained) -> None:
    """Of users too whose best path does not begin with their best item."""
    run = model_of(name)
    beam = {"decode": "beam", "beam_size": size}
    greedy, best = (rolled(run, everyone(run), steps=3, **how) for how in ({}, beam))
    first = [user for user in range(len(best)) if best[user][0] != greedy[user][0]]
    assert first, "no path was continued from another place"
    names = everyone(run).users or []
    for user in [*first[:4], 0, 1]:
        assert best[user] == beam_by_hand(run, names[user], 3, size)[1]


def test_batches_and_company_change_nothing(model_of: Trained) -> None:
    run = model_of("FPARec")
    for how in ({}, {"decode": "sample", "seed": 5, "top_k": 9}, {"decode": "beam"}):
        together = rolled(run, everyone(run), steps=5, **how)
        assert rolled(run, everyone(run), steps=5, batch_size=7, **how) == together
        assert rolled(run, everyone(run), steps=5, batch_size=1, **how) == together


def test_sampling_goes_by_its_seed(model_of: Trained) -> None:
    run = model_of("FPARec")

    def sample(seed: int, **how: object) -> list[list[str]]:
        return rolled(run, decode="sample", seed=seed, steps=6, **how)

    assert sample(1) == sample(1) != sample(2)
    assert sample(1)[1] != sample(1)[3]  # the same user twice, drawn apart
    greedy = rolled(run, steps=6)
    assert sample(1, top_k=1) == sample(2, top_k=1) == greedy
    assert sample(1, temperature=1e-4) == sample(1, temperature=1e-309) == greedy
    assert sample(1, temperature=50.0) != greedy


def test_a_draw_is_the_one_of_its_uniform_number(model_of: Trained) -> None:
    """The first numbers of the seed against the cumulative softmax, in the order of the ids."""
    run = model_of("FPARec")
    uniforms = np.random.default_rng(9).random((len(USERS), 1))[:, 0]
    tokens = run.dataset.field2id_token["item_id"][1:].tolist()
    expected = []
    for user, uniform in zip(USERS, uniforms, strict=True):
        scores = scores_of(run, visits()[user], user)
        values = np.array([scores[token] for token in tokens], dtype=np.float64)
        shares = np.exp(values) / np.exp(values).sum()
        expected.append([tokens[int((shares.cumsum() <= uniform).sum())]])
    assert rolled(run, steps=1, decode="sample", seed=9) == expected


def test_histories_of_new_users(model_of: Trained) -> None:
    run = model_of("FPARec")
    histories = [visits()[user] for user in USERS]
    assert rolled(run, asked(histories)) == rolled(run)


def test_columns_and_rows(model_of: Trained) -> None:
    answer = generate(model_of("FPARec"), asked(USERS), RolloutOptions(steps=2))
    assert isinstance(answer, Continuations)
    frame = answer.to_frame()
    assert frame.columns.tolist() == ["user", "step", "item", "score", "title"]
    assert frame["user"].tolist() == [user for user in USERS for _ in range(2)]
    assert frame["step"].tolist() == [1, 2] * 4


def test_only_the_newest_state_is_computed(
    model_of: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = model_of("FPARec")
    asked_for = []
    encode = type(run.model).encode  # type: ignore[attr-defined]

    def noted(self: object, *args: torch.Tensor, last_only: bool = False, **more: object) -> object:
        asked_for.append(last_only)
        return encode(self, *args, last_only=last_only, **more)

    monkeypatch.setattr(type(run.model), "encode", noted)
    rolled(run, steps=3)
    assert asked_for == [True] * 3


def test_fed_back_sequences() -> None:
    from recbole_ext.data.store import SequenceStore

    store = SequenceStore(np.array([4, 5, 6, 7]), np.array([0, 0, 3, 4]), 10)
    begun = continued(Sequences(store, np.array([2, 1]), known=True), np.arange(2))
    grown = fed_back(begun, np.array([1, 0, 1]), np.array([8, 9, 2]))
    sequences = [grown.sequence(row).tolist() for row in range(3)]
    assert sequences == [[4, 5, 6, 8, 0], [7, 9, 0], [4, 5, 6, 2, 0]]
    assert begun.items.tolist() == [7, 0, 4, 5, 6, 0]


def test_nothing_left(model_of: Trained) -> None:
    with pytest.raises(DataError) as error:
        rolled(model_of("FPARec"), steps=N_ITEMS, exclude_seen=True)
    assert re.fullmatch(
        r"users\[0\]: \d+ items are left to predict, fewer than the \d+ steps; roll out fewer or "
        "let seen items in",
        str(error.value),
    )


def test_models_that_read_no_history(model_of: Trained) -> None:
    with pytest.raises(DataError) as error:
        rolled(model_of("Pop"))
    assert str(error.value) == (
        "model 'Pop' reads no history: it cannot continue its own predictions; generate needs a "
        "sequential model"
    )


def test_a_nan_is_told(model_of: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    nan = torch.full((len(USERS), N_ITEMS + 1), torch.nan)
    monkeypatch.setattr(Scorer, "_scores", lambda self, interaction: nan)
    with pytest.raises(FloatingPointError, match="scored an item as NaN"):
        rolled(model_of("FPARec"))


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ({"steps": 0}, "steps: 0 must be a whole number of 1 or more"),
        ({"steps": True}, "steps: true must be a whole number of 1 or more"),
        ({"decode": "bean"}, "decode: 'bean' must be greedy, sample, beam; did you mean 'beam'?"),
        ({"temperature": 1.0}, "temperature is for decode: sample, not greedy"),
        ({"top_k": 3, "decode": "beam"}, "top_k is for decode: sample, not beam"),
        ({"beam_size": 3, "decode": "sample"}, "beam_size is for decode: beam, not sample"),
        ({"beam_size": 0, "decode": "beam"}, "beam_size: 0 must be a whole number of 1 or more"),
        ({"temperature": 0.0, "decode": "sample"}, "temperature: 0.0 must be a number > 0"),
        ({"temperature": math.inf, "decode": "sample"}, "temperature: inf must be a number > 0"),
        ({"seed": -1}, "seed: -1 must be a whole number of 0 or more"),
    ],
)
def test_options(how: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as error:
        RolloutOptions(**how)  # type: ignore[arg-type]
    assert str(error.value).startswith(line)
