"""`recbole_ext evaluate` and what load() takes: a finished run, measured otherwise or elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bad_input import Refused, snapshot
from small import SMALL, SMALL_OWN, write_atomic

from recbole_ext.cli import main
from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.runner import load, run

pytestmark = pytest.mark.usefixtures("quiet_place")

MODELS: dict[str, dict[str, Any]] = {"FPARec": SMALL_OWN, "SASRec": {"hidden_size": 8}, "Pop": {}}
PARTS = ("valid", "test", "valid_seen_masked", "test_seen_masked")
IPS_PARTS = ("valid_ips", "test_ips", "valid_ips_seen_masked", "test_ips_seen_masked")


@pytest.fixture(scope="module")
def runs(ring: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of run folders by model, stopped by a metric at 10 of weighted users."""
    folder = tmp_path_factory.mktemp("runs")
    chosen = {"eval_ips_exponent": 0.5, "valid_metric": "MRR@10_ips", "metrics": ["MRR", "Hit"]}
    for model, keys in MODELS.items():
        places = {"data_path": str(ring), "run_dir": str(folder / model)}
        run(model, "ring", config_dict={**SMALL, **chosen, **places, **keys})
    return folder


def metrics_of(run_dir: Path) -> Any:
    return json.loads((run_dir / "metrics.json").read_text())


@pytest.mark.parametrize("model", MODELS)
def test_the_same_as_when_the_run_ended(
    model: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, before = metrics_of(runs / model), snapshot(runs / model)
    assert main(["evaluate", str(runs / model), "--out=anew.json"]) == 0
    found = json.loads(Path("anew.json").read_text())
    for key in ("model", "dataset", "seed", *PARTS, *IPS_PARTS, "best_epoch", "data", "versions"):
        assert found[key] == ended[key], key
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == (
        "metric valid, seen kept seen masked test, seen kept seen masked test, IPS, seen kept "
        "seen masked"
    )
    shown = {row.split()[0]: row.split()[1:] for row in rows[:6]}
    columns = ("valid", "valid_seen_masked", "test", "test_seen_masked", *IPS_PARTS[1::2])
    assert shown["MRR@10"] == [f"{ended[part]['MRR@10']:.4f}" for part in columns]
    assert rows[6:] == [
        f"best epoch {ended['best_epoch']} (of 0 to {ended['epochs'] - 1})",
        f"run folder: {runs / model}",
        f"written: {Path('anew.json').absolute()}",
    ]
    assert snapshot(runs / model) == before


@pytest.mark.parametrize("model", MODELS)
def test_other_metrics_and_cut_offs(model: str, runs: Path) -> None:
    """The metric at 10 that has stopped the run is not among them."""
    keys = ["--topk=3,20", "--metrics=[Recall,MRR,ItemCoverage]", "--eval_ips_exponent=null"]
    words = [*keys, "--eval_batch_size=7", "--out=anew.json"]
    assert main(["evaluate", str(runs / model), *words]) == 0
    found, ended = json.loads(Path("anew.json").read_text()), metrics_of(runs / model)
    names = [f"{name}@{k}" for name in ("Recall", "MRR", "ItemCoverage") for k in (3, 20)]
    assert sorted(found["test"]) == sorted(names)
    assert sorted(found["test_seen_masked"]) == sorted(names[:4])
    for part in PARTS:  # one held-out item: what recall is, is a hit
        assert found[part]["Recall@20"] == ended[part]["Hit@20"]
        assert found[part]["MRR@20"] == ended[part]["MRR@20"]
        assert found[part]["MRR@3"] <= ended[part]["MRR@5"]
    assert not set(IPS_PARTS) & set(found)
    assert found["settings"] == {
        "metrics": ["Recall", "MRR", "ItemCoverage"], "topk": [3, 20], "tail_ratio": None,
        "eval_users": None, "eval_ips_exponent": None,
    }  # fmt: skip


def test_from_python(runs: Path) -> None:
    some = load(runs / "FPARec", {"eval_users": 9, "topk": [1, 4], "valid_metric": "Hit@4"})
    assert some.config["valid_metric"] == "Hit@4" and some.config["valid_metric_bigger"]
    assert some.metrics == metrics_of(runs / "FPARec")  # as it ended
    every = load(runs / "FPARec").evaluate()
    found = some.evaluate()
    assert len(found.users) == 9 and list(found.seen_kept) == ["MRR@1", "MRR@4", "Hit@1", "Hit@4"]
    ranks = dict(zip(every.users.tolist(), every.ranks.tolist(), strict=True))
    assert [ranks[user] for user in found.users.tolist()] == found.ranks.tolist()


def test_what_stopped_the_run_stays_where_nothing_else_is_measured(runs: Path) -> None:
    assert load(runs / "FPARec", {"eval_batch_size": 3}).config["valid_metric"] == "MRR@10_ips"


@pytest.fixture
def moved(settings: Callable[..., dict[str, Any]], ring: Path, tmp_path: Path) -> Path:
    """A run whose data have moved to ``elsewhere``, with other data in ``other``."""
    shutil.copytree(ring, tmp_path / "data")
    keys = settings(epochs=1, data_path=str(tmp_path / "data"), run_dir="place")
    place = run("FPARec", "ring", config_dict=keys).run_dir
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    rows = [(f"u{user}", f"i{step}", float(step)) for user in range(9) for step in range(5)]
    write_atomic(tmp_path / "other", "ring", rows)
    return place


def test_data_elsewhere(moved: Path) -> None:
    assert main(["evaluate", str(moved), "--data_path=elsewhere", "--out=anew.json"]) == 0
    found = json.loads(Path("anew.json").read_text())
    assert {part: found[part] for part in PARTS} == {
        part: metrics_of(moved)[part] for part in PARTS
    }
    assert load(moved, {"data_path": Path("elsewhere")}).evaluate("valid").flat()


@pytest.mark.parametrize(
    "words",
    [
        ["recommend", "{run}", "--user=u1"],
        ["generate", "{run}", "--user=u1", "--steps=2"],
        ["generate", "{run}", "--evaluate", "--steps=1"],
        ["analyze", "{run}", "--what=sparsity"],
        ["analyze", "duality", "{run}"],
        ["analyze", "exposure", "{run}"],
        ["analyze", "padding", "{run}"],
        ["analyze", "personalisation", "{run}"],
        ["analyze", "personalisation", "{run}", "--dataset=ring"],
    ],
    ids=" ".join,
)
def test_every_command_finds_data_elsewhere(words: list[str], moved: Path) -> None:
    if "--what=sparsity" in words:
        pytest.importorskip("matplotlib")
    given = [word.replace("{run}", str(moved)) for word in words]
    assert main(given) == 2
    assert main([*given, "--data_path=elsewhere"]) == 0


def test_a_run_is_resumed_with_data_elsewhere(moved: Path, refused: Refused) -> None:
    """To the same result: its last test is repeated."""
    ended = metrics_of(moved)
    (moved / "metrics.json").unlink()
    assert "if it has moved, give data_path anew" in refused("resume", str(moved))
    changed = "has changed since this run was begun"
    assert refused("resume", str(moved), "--data_path=other").endswith(changed)
    assert main(["resume", str(moved), "--data_path=elsewhere"]) == 0
    assert {part: metrics_of(moved)[part] for part in PARTS} == {
        part: ended[part] for part in PARTS
    }


def test_other_data_are_refused(moved: Path, refused: Refused) -> None:
    changed = "place: data set 'ring' has changed since this run was trained"
    assert refused("evaluate", str(moved), "--data_path=other") == changed
    with pytest.raises(CheckpointError, match=f"{changed}$"):
        load(moved, {"data_path": "other"})
    assert "other/nowhere/ring/ring.inter is missing" in refused(
        "evaluate", str(moved), "--data_path=other/nowhere"
    )


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    return Refused(tmp_path, capsys)


FIXED = "is not given to a trained model anew; what can be is data_path, pretrained_items, "


@pytest.mark.parametrize(
    ("word", "begin", "end"),
    [
        ("--hidden_size=8", f"'hidden_size' (from --hidden_size) {FIXED}", "eval_batch_size"),
        ("--model=SASRec", f"'model' (from --model) {FIXED}", "eval_batch_size"),
        ("--seed=3", f"'seed' (from --seed) {FIXED}", "eval_batch_size"),
        ("--config_files=a.yaml", f"'config_files' (from --config_files) {FIXED}", ""),
        ("--metric=MRR", f"'metric' (from --metric) {FIXED}", "; did you mean 'metrics'?"),
        ("--topk=0", "topk: '0' (from --topk) must be a whole number >= 1 or a list", ""),
        ("--metrics=[NDGC]", "metrics (from --metrics) has the unknown metric 'NDGC'", "'NDCG'?"),
        ("--valid_metric=Hit@7", "valid_metric: 'Hit@7' (from --valid_metric) needs a cut-off", ""),
        ("--topk", "'--topk' has no value; write --topk=value", ""),
        ("--out=", "--out: an empty file name", ""),
    ],
)
def test_what_is_refused(word: str, begin: str, end: str, runs: Path, refused: Refused) -> None:
    line = refused("evaluate", str(runs / "FPARec"), word)
    assert line.startswith(begin) and line.endswith(end)


def test_what_is_refused_from_python(runs: Path) -> None:
    with pytest.raises(ConfigError, match=r"^'epochs' \(from config_dict\) is not given to a "):
        load(runs / "FPARec", {"epochs": 3})


def test_a_run_that_was_never_validated(
    ring: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last epoch is tested, and said to be."""
    keys = {**SMALL, **SMALL_OWN, "data_path": str(ring), "epochs": 2, "eval_step": 0}
    words = [f"--{key}={value}" for key, value in keys.items()]
    run_dir = tmp_path / "r"
    assert main(["run", "--model=FPARec", "--dataset=ring", *words, f"--run_dir={run_dir}"]) == 0
    assert "\nlast epoch 1, not validated, " in capsys.readouterr().out
    assert main(["evaluate", str(run_dir)]) == 0
    assert "\nlast epoch 1, not validated\n" in capsys.readouterr().out
