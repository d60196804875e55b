"""Performance by locality, and what each design choice adds, over runs made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from recbole_ext.analysis.design_point import (
    DesignPoint,
    design_of,
    read_design_point,
    settings_of,
    told_apart,
)
from recbole_ext.analysis.performance import choice_lines, choice_numbers, locality_numbers
from recbole_ext.errors import CheckpointError, ConfigError
from recbole_ext.training.metrics_file import PARTS

AR = {"direction": "ar", "attention": "dot_product", "n_local_heads": 0, "user_embedding": "none"}


def finished(score: float, dataset: str = "d", **changes: Any) -> DesignPoint:
    design = design_of({**AR, "loss_type": "CE", **changes})
    assert design is not None
    return DesignPoint("m", dataset, "d", design, score)


def experiment(name: str, score: float, **keys: Any) -> DesignPoint:
    config = {**AR, "loss_type": "CE", "n_heads": 2, "factor_rank": 40, **keys}
    design = design_of(config)
    assert design is not None
    return DesignPoint(name, "d", "d", design, score, settings_of(config))


def folder(path: Path, config: Any, **parts: dict[str, float]) -> Path:
    """A run folder with these parts of metrics.json."""
    metrics: dict[str, Any] = {
        **{part: {} for part in PARTS},
        **dict.fromkeys(("seed", "best_epoch", "epochs", "seconds_per_epoch", "parameters"), 1),
        "data": {"sha256": "d"},
    }
    path.mkdir()
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    (path / "metrics.json").write_text(json.dumps({**metrics, **parts}))
    return path


@pytest.mark.parametrize(
    ("keys", "dataset"),
    [({}, "d"), ({"task": "next_item", "holdout": 1}, "d"), ({"task": "next_user"}, "d, next_user"),
     ({"holdout": 5}, "d, holdout 5"), ({"eval_users": 2000}, "d, 2,000 users")],
)  # fmt: skip
def test_other_test_items_are_another_data_set(
    keys: dict[str, Any], dataset: str, tmp_path: Path
) -> None:
    config = {"model": "m", "dataset": "d", **AR, **keys}
    place = folder(tmp_path / "run", config, test={"NDCG@10": 0.5})
    found = read_design_point(place, "NDCG@10")
    assert found is not None and found.dataset == dataset


def test_variants_of_the_data_are_data_sets_of_their_own() -> None:
    one, other = finished(0.4), replace(finished(0.1, direction="ae"), data="0123456789")
    assert [run.dataset for run in told_apart([one, one])] == ["d", "d"]
    apart = told_apart([one, other, finished(0.2, "e")])
    assert [run.dataset for run in apart] == ["d (d)", "d (01234567)", "e"]
    assert choice_numbers(apart, "NDCG@10")["choices"] == []


@pytest.mark.parametrize(
    "further", [{"codes": "rq"}, {"dual_weight": 0.1}, {"batch_by": "equal_length"}], ids=str
)
def test_models_that_differ_in_more_than_the_axes(further: dict[str, Any]) -> None:
    assert design_of({**AR, **further}) is None
    assert design_of({**AR, "codes": None, "dual_weight": 0, "batch_by": "similar_length"})


def test_localities() -> None:
    local = {"n_local_heads": 1, "local_attention": "window"}
    runs = [
        finished(0.4), finished(0.2), finished(0.1, direction="ae"),
        finished(0.5, **local), finished(0.15, direction="ae", **local), finished(0.9, "e"),
    ]  # fmt: skip
    data = locality_numbers(runs, "NDCG@10")["datasets"]
    assert [one["dataset"] for one in data] == ["d", "e"]
    found = [(one["locality"], one["mean"], one["runs"]) for one in data[0]["points"]]
    assert found == [
        ("AE", 0.1, [0.1]), ("local AE", 0.15, [0.15]),
        ("AR", 0.3, [0.4, 0.2]), ("local AR", 0.5, [0.5]),
    ]  # fmt: skip


def test_choices_are_pairs_that_differ_in_one_axis() -> None:
    """AR against AE twice (+100 %, +50 %), BCE once; a design of its own pairs with none."""
    runs = [
        finished(0.1, direction="ae"), finished(0.15), finished(0.25),  # two seeds: 0.2
        finished(0.2, "e", direction="ae"), finished(0.3, "e"),
        finished(0.1, loss_type="BCE"),
        finished(0.7, direction="ae", attention="linear", user_embedding="concat"),
    ]  # fmt: skip
    choices = choice_numbers(runs, "NDCG@10")["choices"]
    assert [(one["axis"], one["value"], one["against"]) for one in choices] == [
        ("direction", "ar", "ae"), ("attention", "linear", "dot_product"),
        ("feature", "user", "none"), ("loss", "BCE", "CE"),
    ]  # fmt: skip
    assert [one["each"] for one in choices] == [[1.0, 0.5], [], [], [-0.5]]
    assert [(one["mean"], one["pairs"]) for one in choices] == [
        (0.75, 2), (None, 0), (None, 0), (-0.5, 1),
    ]  # fmt: skip


def test_runs_that_differ_in_further_settings_are_no_pair() -> None:
    """The nearest two are named with what else they differ in; circumstances do not count."""
    plain = experiment("A", 0.2, seed=1, run_dir="x", torch_threads=1, gpu_id="")
    wide = experiment("B", 0.3, attention="positional", n_heads=4, seed=2)
    far = experiment("C", 0.3, attention="positional", direction="ae")
    (direction, one) = (data := choice_numbers([plain, far, wide], "NDCG@10"))["choices"]
    assert (one["value"], one["pairs"], one["each"], one["mean"]) == ("positional", 0, [], None)
    assert one["nearest"] == {"run": "B", "base": "A", "dataset": "d", "differ": ["n_heads"]}
    assert direction["nearest"]["differ"] == ["n_heads"]
    assert choice_lines(data)[-1] == (
        "attention, positional against dot_product: no pair: B and A also differ in n_heads"
    )


def test_keys_that_spell_the_choice_are_part_of_it() -> None:
    plain = experiment("A", 0.2, seed=1, gpu_id="")
    low = experiment("B", 0.3, attention="factorized_positional", factor_rank=8, seed=2)
    again = experiment("A", 0.4, seed=3)  # a seed of the first: their mean is 0.3
    ae = experiment("E", 0.1, direction="ae", mask_ratio=0.5, factor_rank=9)  # 9 lies idle
    choices = choice_numbers([plain, low, again, ae], "NDCG@10")["choices"]
    assert [one["axis"] for one in choices] == ["direction", "attention"]
    assert [one["pairs"] for one in choices] == [1, 1]
    assert [one["mean"] for one in choices] == pytest.approx([2.0, 0.0])
    assert choices[1]["of"] == [{"run": "B", "base": "A", "dataset": "d", "differ": []}]
    other = experiment("F", 0.3, attention="factorized_positional", factor_rank=4, direction="ae")
    (ar, *_) = choice_numbers([low, other], "NDCG@10")["choices"]
    assert ar["nearest"]["differ"] == ["factor_rank"]  # not the choice that is asked about


def test_designs() -> None:
    assert design_of({"model": "SASRec", "loss_type": "CE"}) == {
        "direction": "ar", "attention": "dot_product", "local heads": "none",
        "feature": "none", "backbone": "RecBole's blocks", "loss": "CE",
    }  # fmt: skip
    summed = design_of({**AR, "attention": ["linear", "positional"], "backbone": "llama"})
    assert summed is not None
    assert (summed["attention"], summed["backbone"]) == ("linear + positional", "llama")
    assert design_of({"model": "GRU4Rec"}) is None


def test_reading_a_run(tmp_path: Path) -> None:
    run = folder(
        tmp_path / "run", {"model": "M", "dataset": "d", **AR},
        test={"NDCG@10": 0.25}, test_seen_masked={"NDCG@10": 0.5}, test_ips={"NDCG@10": 0.75},
    )  # fmt: skip
    scores = {"NDCG@10": 0.25, "NDCG@10_seen_masked": 0.5, "NDCG@10_ips": 0.75}
    for metric, score in scores.items():
        read = read_design_point(run, metric)
        assert read is not None and (read.name, read.dataset, read.score) == ("M", "d", score)
        assert read.locality == "AR"
    with pytest.raises(ConfigError, match=r"^--metric: 'NDGC@10' is not in .*mean 'NDCG@10'\?$"):
        read_design_point(run, "NDGC@10")
    with pytest.raises(ConfigError, match=r"^--metric: 'NDCG@10_ips_seen_masked' is not in "):
        read_design_point(run, "NDCG@10_ips_seen_masked")


@pytest.mark.parametrize("metrics", ["", "[]", '{"test": 3}', '{"test": {"NDCG@10": "x"}}'])
def test_damaged_metrics(metrics: str, tmp_path: Path) -> None:
    run = folder(tmp_path / "run", {"model": "M", "dataset": "d", **AR})
    (run / "metrics.json").write_text(metrics)
    with pytest.raises(CheckpointError, match=r"metrics.json: not as a run left it"):
        read_design_point(run, "NDCG@10")
    (run / "metrics.json").unlink()
    with pytest.raises(CheckpointError, match=r"has not finished: no metrics\.json"):
        read_design_point(run, "NDCG@10")
    (run / "config.yaml").write_text("[1]")
    with pytest.raises(CheckpointError, match="no configuration in it"):
        read_design_point(run, "NDCG@10")
