"""Rollouts against held-out items: numbers from a model that was trained without them."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shop import LENGTH, MODELS, N_ITEMS, SETTINGS, scores_of, visits

from recbole_ext.cli import main
from recbole_ext.evaluation.statistics import popularity_percentiles
from recbole_ext.inference.generation.evaluation import Findings, evaluate, ranks_of
from recbole_ext.inference.generation.options import RolloutOptions
from recbole_ext.runner import Run, load, run

HELD = 3


@pytest.fixture(scope="module")
def held_out(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """FPARec trained without the last three items of each user."""
    folder = tmp_path_factory.mktemp("held") / "run"
    places = {"data_path": str(shop_data), "run_dir": str(folder), "holdout": HELD}
    with pytest.MonkeyPatch.context() as place:
        place.chdir(folder.parent)
        run("FPARec", "shop", config_dict={**SETTINGS, **MODELS["FPARec"], **places})
    return load(folder)


@pytest.fixture(scope="module")
def findings(held_out: Run) -> Findings:
    return evaluate(held_out, RolloutOptions(steps=HELD))


def users_of(held_out: Run, findings: Findings) -> list[str]:
    return held_out.dataset.field2id_token["user_id"][findings.users].tolist()


def test_users_with_enough_items(held_out: Run, findings: Findings) -> None:
    long = {user for user, items in visits().items() if len(items) >= HELD + 2}
    assert set(users_of(held_out, findings)) == long
    assert findings.left_out == len(visits()) - len(long) > 0


def test_the_first_step_is_the_test_of_the_run(held_out: Run, findings: Findings) -> None:
    tested = held_out.metrics["test"]
    assert findings.model["HR@10"][0] == pytest.approx(tested["Hit@10"], abs=1e-12)
    assert findings.model["NDCG@10"][0] == pytest.approx(tested["NDCG@10"], abs=1e-12)
    assert 0 < tested["Hit@10"] < 1


def test_training_ended_before_the_held_out_items(held_out: Run) -> None:
    trained: Counter[str] = Counter()
    tokens = held_out.dataset.field2id_token
    for batch in held_out.loaders.train:
        for user, items, last in zip(
            batch["user_id"], batch["item_id_list"], batch["item_id"], strict=True
        ):
            history = visits()[tokens["user_id"][int(user)]]
            ids = [int(item) for item in items if item > 0] + [int(last)]
            end = len(history) - HELD - 1 if len(history) >= HELD + 2 else len(history)
            newest = history[:end][-LENGTH - 1 :]
            assert [tokens["item_id"][item] for item in ids] == newest
            trained[tokens["user_id"][int(user)]] += 1
    assert len(trained) > 40


def test_every_step_by_hand(held_out: Run, findings: Findings) -> None:
    """Accuracy and entropy, from one row of scores at a time."""
    hits, gains, sets, entropies = (np.zeros(HELD) for _ in range(4))
    for user in users_of(held_out, findings):
        history, truth = visits()[user][:-HELD], visits()[user][-HELD:]
        for step in range(HELD):
            scores = scores_of(held_out, history, user)
            ordered = sorted(scores, key=lambda item: -scores[item])
            place = ordered.index(truth[step]) + 1
            hits[step] += place <= 10
            gains[step] += 1 / math.log2(place + 1) if place <= 10 else 0
            sets[step] += bool(set(ordered[:10]) & set(truth))
            norm = sum(math.exp(score) for score in scores.values())
            shares = [math.exp(score) / norm for score in scores.values()]
            entropies[step] -= sum(share * math.log(share) for share in shares)
            history = [*history, ordered[0]]
    for name, sums in (
        ("HR@10", hits), ("NDCG@10", gains), ("HR@10_set", sets), ("entropy", entropies),
    ):  # fmt: skip
        expected = sums / len(findings.users)
        assert findings.model[name].tolist() == pytest.approx(expected.tolist(), rel=1e-5), name


def test_the_truths_statistics_by_hand(held_out: Run, findings: Findings) -> None:
    counts = np.zeros(N_ITEMS + 1, dtype=np.int64)
    known = held_out.dataset.field2token_id["item_id"]
    for items in visits().values():
        end = len(items) - HELD - 1 if len(items) >= HELD + 2 else len(items)
        for item in items[:end]:
            counts[known[item]] += 1
    percentiles = popularity_percentiles(counts)
    truth = [visits()[user][-HELD:] for user in users_of(held_out, findings)]
    for step in range(HELD):
        taken = [items[step] for items in truth]
        popularity = np.mean([percentiles[known[item]] for item in taken])
        assert findings.truth["popularity"][step] == pytest.approx(popularity)
        assert findings.truth["coverage"][step] == len(set(taken)) / N_ITEMS
        again = np.mean([items[step] in items[:step] for items in truth])
        assert findings.truth["repeats"][step] == pytest.approx(again)
    assert findings.truth["js_divergence"].tolist() == [0.0] * HELD
    assert "HR@10" not in findings.truth and "entropy" not in findings.truth
    assert (findings.model["js_divergence"] > 0).all()


@pytest.mark.parametrize("decode", ["sample", "beam"])
def test_other_decoders(held_out: Run, findings: Findings, decode: str) -> None:
    """The first step ranks the same distribution, whatever is then taken from it."""
    found = evaluate(held_out, RolloutOptions(steps=HELD, decode=decode, seed=1))
    for name in ("HR@10", "NDCG@10", "NDCG@10_set", "entropy"):
        assert found.model[name][0] == pytest.approx(findings.model[name][0])
    assert found.truth["jaccard"].tolist() == findings.truth["jaccard"].tolist()
    assert found.rollouts.items.tolist() != findings.rollouts.items.tolist()
    again = evaluate(held_out, RolloutOptions(steps=HELD, decode=decode, seed=1, batch_size=5))
    assert again.rollouts.items.tolist() == found.rollouts.items.tolist()
    for name, values in found.model.items():
        assert again.model[name].tolist() == pytest.approx(values.tolist(), rel=1e-5), name


def test_fewer_steps_are_the_beginning_of_more(held_out: Run, findings: Findings) -> None:
    one = evaluate(held_out, RolloutOptions(steps=1))
    assert one.rollouts.items[:, 0].tolist() == findings.rollouts.items[:, 0].tolist()
    assert one.model["HR@10"].tolist() == findings.model["HR@10"][:1].tolist()


def test_seen_items_left_out_but_never_the_target(held_out: Run) -> None:
    found = evaluate(held_out, RolloutOptions(steps=HELD, exclude_seen=True))
    masked = held_out.metrics["test_seen_masked"]
    assert found.model["HR@10"][0] == pytest.approx(masked["Hit@10"], abs=1e-12)
    assert found.model["NDCG@10"][0] == pytest.approx(masked["NDCG@10"], abs=1e-12)
    assert found.model["repeats"].tolist() == [0.0] * HELD


def test_ranks_by_hand() -> None:
    """Items 1 to 4 of scores 3, 5, 3, 1; item 2 is no candidate any more."""
    out = -torch.inf
    everything = torch.tensor([[out, 3.0, 5.0, 3.0, 1.0]])
    candidates = torch.tensor([[out, 3.0, out, 3.0, 1.0]])
    truth = torch.tensor([[1, 2, 3, 4]])
    assert ranks_of(everything, everything, truth).tolist() == [[2.5, 1.0, 2.5, 4.0]]
    assert ranks_of(everything, candidates, truth).tolist() == [[1.5, 1.0, 1.5, 3.0]]


@pytest.fixture
def here(held_out: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("run").symlink_to(held_out.run_dir)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_the_command(findings: Findings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "run", "--steps=3", "--evaluate", "--out=x.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    users, out = len(findings.users), findings.left_out
    head = f"FPARec on shop, greedy: {users} users with 5 items or more ({out} left out)"
    assert lines[0] == head
    table = [line.split() for line in lines[3:9]]
    assert [row[0] for row in (table[0], table[3])] == ["rollouts", "held"]
    assert table[0][2] == f"{findings.model['HR@10'][0]:.4f}"
    assert lines[-1] == f"written: {Path('x.report.json').resolve()}"
    report: dict[str, Any] = json.loads(Path("x.report.json").read_text())
    assert report["users"] == users and report["users_left_out"] == out
    for name, values in findings.model.items():
        assert report["model_statistics"][name] == values.tolist(), name
    for name, values in findings.truth.items():
        assert report["truth_statistics"][name] == values.tolist(), name
    assert report["options"]["decode"] == "greedy" and report["options"]["steps"] == 3
    assert Path("x.csv").read_text().count("\n") == 1 + 3 * users


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--steps=4", "--evaluate"],
            "{run} was trained with holdout: 3, so it has seen items that 4 steps are compared "
            "with; train it with --holdout=4, or give --steps=3",
        ),
        (
            ["--steps=3", "--evaluate", "--user=u1"],
            "--evaluate takes all users with held-out items; omit --user",
        ),
    ],
)
def test_refusals(
    words: list[str], line: str, held_out: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "run", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {line.format(run=held_out.run_dir)}\n")
