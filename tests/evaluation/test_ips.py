"""Metrics weighted by inverse propensity: by hand, over a data set, and on simulated exposure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config import ExtConfig
from recbole_ext.errors import ConfigError
from recbole_ext.evaluation.metrics import protocol_of, summarize
from recbole_ext.nn.propensities import inverse_propensities
from recbole_ext.runner import load, run

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]


def test_by_hand() -> None:
    ranks = np.array([1.0, 3.0, 9.0])
    found = summarize(ranks, ["Hit", "MRR"], [5], np.array([1.0, 2.0, 5.0]))
    assert found == {"Hit@5": pytest.approx(3 / 8), "MRR@5": pytest.approx((1 + 2 / 3) / 8)}
    assert summarize(ranks, ["Hit"], [5], np.ones(3)) == summarize(ranks, ["Hit"], [5])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_simulated_exposure(exponent: float, seed: int) -> None:
    """Users want items alike; what is logged was shown in proportion to count^η, whoever wanted it.

    A model that does well on popular items looks better than it is; the weighted mean says how good
    it is for what users want. Three standard errors are exceeded by chance once in 370.
    """
    rng = np.random.default_rng(seed)
    n_items, n_users = 500, 20_000
    counts = np.ceil(1000 / np.arange(1, n_items + 1) ** 0.8)
    ranks_of = 1.0 + rng.permutation(n_items) % 40
    ranks_of[: n_items // 5] = 1.0 + rng.integers(0, 12, n_items // 5)  # the popular: easily found
    wanted = rng.integers(n_items, size=n_users * 40)
    shown = rng.random(len(wanted)) < (counts[wanted] / counts.max()) ** exponent
    logged = wanted[shown][:n_users]
    weights = inverse_propensities(torch.from_numpy(counts), exponent).numpy()[logged]
    values = (ranks_of[logged] <= 10).astype(float)
    truth = (ranks_of <= 10).mean()
    plain, weighted = (
        summarize(ranks_of[logged], ["Hit"], [10], w)["Hit@10"] for w in (None, weights)
    )
    error = np.sqrt((weights**2 * (values - weighted) ** 2).sum()) / weights.sum()
    assert abs(weighted - truth) < 3 * error
    assert error < 0.02
    assert abs(plain - truth) > 3 * values.std() / len(values) ** 0.5


def test_a_run_reports_them_beside_the_plain_ones(settings: Settings) -> None:
    chosen = settings(epochs=1, eval_ips_exponent=0.5, topk=[5], valid_metric="NDCG@5")
    finished = run("FPARec", "ring", config_dict=chosen)
    store, split = finished.dataset.store, finished.loaders.split
    counts = np.zeros(store.n_items)
    for user in range(1, store.n_users):
        for item in store.items[store.offsets[user] : split.train_end[user]]:
            counts[item] += 1
    evaluation = finished.evaluate("test")
    held = [store.items[split.test[user]] for user in evaluation.users]
    weights = np.array([max(counts[item], 1) ** -0.5 for item in held])
    for part, ranks in (
        ("test_ips", evaluation.ranks),
        ("test_ips_seen_masked", evaluation.ranks_seen_masked),
    ):
        gains = np.where(ranks <= 5, 1 / np.log2(ranks + 1), 0.0)
        expected = (gains * weights).sum() / weights.sum()
        assert finished.metrics[part]["NDCG@5"] == pytest.approx(expected)
        assert set(finished.metrics[part]) == set(finished.metrics["valid_ips"])
        assert set(finished.metrics[part]) == {"Hit@5", "NDCG@5", "MRR@5"}
    plain = run("FPARec", "ring", config_dict=settings(epochs=1, topk=[5], valid_metric="NDCG@5"))
    parts = ("valid", "valid_seen_masked", "test", "test_seen_masked")
    assert not any("ips" in name for name in plain.metrics)
    assert [plain.metrics[part] for part in parts] == [finished.metrics[part] for part in parts]
    assert load(finished.run_dir).evaluate("test").ips == evaluation.ips


@pytest.mark.parametrize("end", ["_ips", "_ips_seen_masked"])
def test_a_run_can_be_stopped_by_them(end: str, settings: Settings) -> None:
    metric = f"NDCG@10{end}"
    finished = run("FPARec", "ring", config_dict=settings(eval_ips_exponent=1, valid_metric=metric))
    best = max(epoch[metric] for epoch in finished.trainer.progress.history)
    assert (
        finished.metrics[f"valid{end}"]["NDCG@10"] == finished.trainer.progress.best_score == best
    )
    with pytest.raises(ConfigError, match="needs eval_ips_exponent, which is null"):
        ExtConfig("FPARec", "ring", config_dict=settings(valid_metric=metric))


def test_protocols_by_name() -> None:
    names = {"Hit@5": "", "Hit@5_seen_masked": "_seen_masked", "Hit@5_ips": "_ips",
             "Hit@5_ips_seen_masked": "_ips_seen_masked"}  # fmt: skip
    assert {name: protocol_of(name) for name in names} == names
