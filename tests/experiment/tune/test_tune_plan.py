"""What a sweep will do, and what is refused before it begins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

from bad_input import Refused
from tune_cases import SPACE, words, write_space

from recbole_ext import paths
from recbole_ext.config.yaml_dialect import dump
from recbole_ext.errors import ConfigError
from recbole_ext.experiment.tune.axes import Choice
from recbole_ext.experiment.tune.plan import Asked, Plan, plan, reopen
from recbole_ext.experiment.tune.space import Space, default_file, parse_space, read_space
from recbole_ext.registry import list_models

pytestmark = pytest.mark.usefixtures("quiet_place")
OURS = [model.name for model in list_models() if model.source == "recbole_ext"]
FILES = sorted((paths.properties_dir() / "tune").glob("*.yaml"))


def _marked(file: Path) -> Any:
    """Two fast ones; the others take seconds each for all their configurations."""
    fast = file.stem in ("FPARec", "VanillaAE")
    return pytest.param(file, id=file.stem, marks=() if fast else pytest.mark.slow)


def space(**changes: object) -> Space:
    return parse_space({**SPACE, **changes}, "s.yaml")


def planned(**changes: object) -> Plan:
    return plan(Asked("FPARec", "ml-100k"), space(**changes))


@pytest.mark.parametrize(
    ("changes", "more", "line"),
    [
        (
            {"hiden_size": [1, 2]},
            {},
            "unknown key 'hiden_size' (from s.yaml) for model FPARec; did you mean 'hidden_size'?",
        ),
        (
            {"norm_position": ["pre", "pst"]},
            {},
            "norm_position: 'pst' (from s.yaml) must be one of pre, post; did you mean 'post'?",
        ),
        (
            {"hidden_dropout_prob": {"uniform": [0.1, 1.0]}},
            {},
            "hidden_dropout_prob: 1.0 (from s.yaml) must be a number in [0, 1)",
        ),
        (
            {"n_heads": [1, 3]},
            {},
            "n_heads: 3 (from s.yaml) must divide hidden_size: 8 (from s.yaml)",
        ),
        (
            {"mask_ratio": [0.2, 0.4]},
            {},
            "mask_ratio: 0.2 (from s.yaml) is for direction: ae, not for direction: 'ar' (from "
            "properties/model/ComposableRecommender.yaml)",
        ),
        ({}, {"hidden_size": 32}, "hidden_size is searched by s.yaml; leave it out elsewhere, or "
         "give a space without it by --space=FILE"),
        ({}, {"hiden_size": 32}, "unknown key 'hiden_size' (from --hiden_size) for model FPARec; "
         "did you mean 'hidden_size'?"),
        ({}, {"run_dir": "x"}, "run_dir cannot be set for a sweep: each trial has a folder of its "
         "own"),
        ({}, {"eval_step": 0}, "eval_step: 0: a trial is judged by its validation"),
        ({"model": "PARec"}, {}, "--model=FPARec, but s.yaml is for model: PARec; set it in one of "
         "them"),
        ({"dataset": "dup"}, {}, "--dataset=ring, but s.yaml is for dataset: dup; set it in one of "
         "them"),
        ({}, {"trials": 0}, "--trials: 0 must be a whole number >= 1"),
        ({}, {"search": "tpe"}, "--search: 'tpe' must be one of random, optuna"),
        ({}, {"grace": 9, "max_epochs": 8}, "--grace: 9 must be at most max_epochs: 8"),
        ({}, {"model": "FPARek"}, "unknown model 'FPARek' (from the model argument); did you mean "
         "'FPARec'?"),
        (
            {"sweep": {"metric": "NDGC@10"}},
            {},
            "valid_metric: 'NDGC@10' (from s.yaml) needs one of metrics: ['Hit', 'NDCG', 'MRR'] "
            "(from properties/overall.yaml); did you mean 'NDCG'?",
        ),
    ],
)  # fmt: skip
def test_refused(
    changes: dict[str, object],
    more: dict[str, object],
    line: str,
    ring: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write_space(tmp_path / "s.yaml", **changes)
    argv = words(ring, tmp_path / "sweep", file, **more)
    assert Refused(tmp_path, capsys)(*argv) == line


def test_other_refusals(
    ring: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write_space(tmp_path / "s.yaml")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.tex").touch()
    (tmp_path / "no").mkdir()
    (tmp_path / "no" / "space.yaml").write_text("a: [1, 2]\n")
    refused = Refused(tmp_path, capsys)
    used = words(ring, tmp_path / "used", file)
    assert refused(*used).startswith("--sweep_dir: used is not empty; go on with 'recbole_ext tune")
    missing = words(ring, tmp_path / "sweep", tmp_path / "t.yaml")
    assert "t.yaml' does not exist; did you mean 's.yaml'?" in refused(*missing)
    data = words(tmp_path, tmp_path / "sweep", file)
    assert "ring.inter is missing" in refused(*data)
    assert refused("tune", "--dataset=ring").startswith("no model given: add --model=NAME, or --sp")
    assert refused("tune", "--model=FPARek", "--dataset=ring").startswith("unknown model 'FPARek'")
    assert refused("tune", "--model=SASRec", "--dataset=ring") == (
        "properties/tune has no space for SASRec; give one by --space=FILE"
    )
    assert refused("tune", f"--resume={tmp_path / 'x'}") == (
        "x is no folder of a sweep: it has no space.yaml"
    )
    assert refused("tune", f"--resume={tmp_path / 'no'}") == (
        "no/space.yaml has no model: it is not as a sweep left it"
    )
    assert refused("tune", "--resume=x", "--grace=3") == (
        "--resume goes on with what the sweep has: leave out --grace"
    )
    assert refused("tune", "--resume=x", "--seed=3").endswith("leave out --seed=3")
    monkeypatch.setitem(sys.modules, "optuna", None)
    optuna = words(ring, tmp_path / "sweep", file, search="optuna")
    assert refused(*optuna) == (
        "search: optuna needs the package optuna, which is not installed: pip install "
        "'recbole_ext[optuna]'; or take search: random"
    )


def test_draws_are_different_and_repeatable() -> None:
    made = planned()
    draws = made.draws()
    assert len(draws) == 4 and len({dump(draw) for draw in draws}) == 4
    assert planned().draws() == draws
    longer = planned(sweep={**SPACE["sweep"], "trials": 7}).draws()  # type: ignore[dict-item]
    assert longer[:4] == draws, "more trials begin with the same"
    assert planned(sweep={**SPACE["sweep"], "seed": 4}).draws() != draws  # type: ignore[dict-item]


def test_a_small_space_is_tried_once() -> None:
    made = planned(learning_rate=0.01)
    assert made.trials == 2
    assert sorted(draw["hidden_size"] for draw in made.draws()) == [8, 16]


def test_a_trial_and_the_final_run() -> None:
    asked = Asked("FPARec", "ml-100k", cli_args=["--epochs=77", "--topk=[5, 10]", "--n_layers=1"])
    made = plan(asked, space())
    drawn = made.draws()[0]
    final = made.final_config(drawn)
    assert (final["epochs"], final["n_layers"], final["topk"]) == (77, 1, [5, 10])
    assert final["inner_size"] == final["hidden_size"] == drawn["hidden_size"]
    trial = made.trial_config(drawn, threads=3)
    assert trial == {**final, "epochs": 4, "torch_threads": 3}


def test_what_a_sweep_leaves_is_the_same_plan() -> None:
    asked = Asked("FPARec", "ml-100k", cli_args=["--clip_grad_norm=5", "--topk=[5, 10]"])
    made = plan(asked, space(sweep={**SPACE["sweep"], "metric": "MRR@5_seen_masked"}))  # type: ignore[dict-item]
    left = parse_space(made.as_space_file(), "space.yaml")
    again = reopen(left, made.parent)
    assert (again.model, again.dataset, again.metric) == ("FPARec", "ml-100k", "MRR@5_seen_masked")
    assert again.draws() == made.draws()
    for drawn in made.draws():
        assert again.trial_config(drawn, 1) == made.trial_config(drawn, 1)
    assert again.trial_config(drawn, 1)["clip_grad_norm"] == {"max_norm": 5}


def test_a_metric_that_should_be_small() -> None:
    changes = {"metrics": [["NDCG", "GiniIndex"]], "sweep": {"metric": "GiniIndex@10"}}
    assert planned(**changes).bigger is False
    assert planned().bigger is True


@pytest.mark.parametrize("model", OURS)
def test_every_model_has_a_space(model: str) -> None:
    assert default_file(model).is_file()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_space_has_the_same_budget(file: Path) -> None:
    sweep = read_space(file).sweep
    assert (sweep.trials, sweep.max_epochs, sweep.grace, sweep.reduction_factor) == (20, 40, 5, 2)


@pytest.mark.parametrize("file", [_marked(file) for file in FILES])
def test_every_space_can_be_run(file: Path) -> None:
    if file.stem.startswith("HF"):
        pytest.importorskip("transformers")
    found = read_space(file)
    model = found.names.get("model", file.stem)
    assert default_file(model).stem == model
    made = plan(Asked(model, "ml-100k"), found)
    assert len(made.draws()) == made.trials == 20


def test_the_papers_space() -> None:
    """specs: 'Ray Tune and ASHA'; AE is AR and the mask ratio, with the same budget."""
    found = {
        name: read_space(default_file(name))
        for name in ("VanillaAR", "VanillaAE", "LocalAR", "LocalAE", "SSEPT")
    }
    dropouts, eighths = Choice((0.0, 0.2, 0.4, 0.6, 0.8)), Choice((0.2, 0.4, 0.6, 0.8))
    vanilla = {
        "n_heads": Choice((1, 2)),
        "hidden_dropout_prob": dropouts,
        "hidden_size": Choice((32, 64)),
    }
    local = {
        "hidden_dropout_prob": dropouts,
        "hidden_size": Choice((32, 64)),
        "weight_decay": Choice((0.0, 1e-4, 1e-2, 1.0)),
    }
    assert dict(found["VanillaAR"].axes) == vanilla
    assert dict(found["VanillaAE"].axes) == {**vanilla, "mask_ratio": eighths}
    assert dict(found["LocalAR"].axes) == local
    assert dict(found["LocalAE"].axes) == {**local, "mask_ratio": eighths}
    shared = {"sse_item_prob": eighths, "sse_user_prob": eighths}
    assert dict(found["SSEPT"].axes) == {**vanilla, **shared}
    assert found["LocalAR"].fixed["learner"] == "adamw"
    for one in found.values():
        assert one.sweep == found["VanillaAR"].sweep
        assert (one.sweep.reduction_factor, one.fixed["n_layers"]) == (2, 2)


def test_config_files_do_not_contradict_the_space() -> None:
    """They are refused where the command line is, and their metric is taken as its is."""
    file = Path("c.yaml")
    asked = Asked("FPARec", "ml-100k", config_files=["c.yaml"])
    file.write_text("hidden_size: 32")
    with pytest.raises(ConfigError, match=r"^hidden_size is searched by s\.yaml"):
        plan(asked, space())
    file.write_text("factor_rank: 8")
    with pytest.raises(ConfigError) as error:
        plan(asked, space())
    assert str(error.value) == (
        "factor_rank: 8 in a config file and 4 in s.yaml; set it in one of them"
    )
    file.write_text("valid_metric: NDCG@10_seen_masked\nfactor_rank: 4")
    judged = {**SPACE["sweep"], "metric": "NDCG@10"}  # type: ignore[dict-item]
    assert plan(asked, space(sweep=judged)).metric == "NDCG@10_seen_masked"


def test_the_end_of_steps_that_do_not_reach_it() -> None:
    """127 is never drawn, and two heads would not divide it."""
    made = planned(
        hidden_size={"int": [32, 127], "step": 32},
        hidden_dropout_prob={"uniform": [0.0, 1.0], "step": 0.3},
        n_heads=2,
    )
    assert made.space.axes["hidden_size"].probes() == [32, 96]
    assert made.space.axes["hidden_dropout_prob"].probes() == [0.0, 0.9]
