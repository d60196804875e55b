"""The whole ranking pass against RecBole's Collector and Evaluator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.evaluator import Collector
from recbole.evaluator import Evaluator as StockEvaluator
from recbole.model.abstract_recommender import AbstractRecommender
from torch import Tensor, nn

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import EvaluationLoader
from recbole_ext.data.loading import load_data
from recbole_ext.data.split import leave_one_out
from recbole_ext.evaluation.evaluator import Evaluation, Evaluator
from recbole_ext.evaluation.lists import counts_by_item, top_items

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
OF_RANK = ["Hit", "NDCG", "MRR", "Recall", "Precision", "MAP"]
OF_LISTS = ["ItemCoverage", "AveragePopularity", "ShannonEntropy", "GiniIndex", "TailPercentage"]


class Fixed(nn.Module):
    """Scores [n_users, n_items] known beforehand."""

    def __init__(self, scores: Tensor, flat: bool = False) -> None:
        super().__init__()
        self.scores, self.flat, self.rows_asked = scores, flat, []

    def full_sort_predict(self, interaction: Any) -> Tensor:
        self.rows_asked.append(len(interaction))
        found = self.scores[interaction["user_id"]]
        return found.view(-1) if self.flat else found


class PairsOnly(Fixed):
    """As RecBole's models that score pairs alone."""

    full_sort_predict = AbstractRecommender.full_sort_predict

    def predict(self, interaction: Any) -> Tensor:
        return self.scores[interaction["user_id"], interaction["item_id"]]


def distinct_scores(n_users: int, n_items: int) -> Tensor:
    """No two items of a user score the same."""
    torch.manual_seed(1)
    return torch.rand(n_users, n_items).argsort(1).float() / n_items


@pytest.fixture(params=["valid", "test"])
def ready(request: pytest.FixtureRequest, settings: Settings) -> tuple[ExtConfig, Any, Any]:
    """Configuration, loader and Evaluator of the small data set."""
    chosen = settings(
        own=False,
        metrics=OF_RANK + OF_LISTS,
        metric_decimal_place=10,
        split_protocol="paper",  # RecBole's too for interactions, as against prefixes
        tail_ratio=0.2,
    )
    config = ExtConfig("BPR", "ring", config_dict=chosen)
    dataset = load_data(config)
    split = leave_one_out(dataset.store, config["split_protocol"])
    loader = EvaluationLoader(config, dataset, getattr(split, request.param), own_model=False)
    return config, loader, Evaluator(config, split)


def stock_metrics(config: ExtConfig, loader: EvaluationLoader, scores: Tensor) -> dict[str, float]:
    """What RecBole makes of the same scores."""
    collector = Collector(config)
    collector.data_collect(data_preparation(config, create_dataset(config))[0])
    for batch in loader:
        some = scores[batch.interaction["user_id"]].clone()
        some[:, 0] = -np.inf
        collector.eval_batch_collect(
            some, batch.interaction, torch.arange(len(some)), batch.targets
        )
    # Its get_data_struct() fails on the counts of these metrics.
    return dict(StockEvaluator(config).evaluate(collector.data_struct))


def test_equals_recbole_where_no_scores_tie(ready: tuple[ExtConfig, Any, Evaluator]) -> None:
    config, loader, evaluator = ready
    scores = distinct_scores(loader.store.n_users, loader.store.n_items)
    ours = evaluator.evaluate(Fixed(scores), loader).seen_kept
    theirs = stock_metrics(config, loader, scores)
    assert {name.lower(): value for name, value in ours.items()} == pytest.approx(theirs, abs=1e-6)
    assert len(ours) == 3 * len(OF_RANK + OF_LISTS)
    assert 0 < ours["NDCG@10"] < ours["Hit@10"] < 1


def test_seen_masked_equals_brute_force(ready: tuple[ExtConfig, Any, Evaluator]) -> None:
    _, loader, evaluator = ready
    scores = distinct_scores(loader.store.n_users, loader.store.n_items)
    found = evaluator.evaluate(Fixed(scores), loader)
    repeats = 0
    for row, user in enumerate(loader.rows.users):
        target = loader.store.items[loader.rows.end[row]]
        seen = set(loader.store.items[loader.store.offsets[user] : loader.rows.end[row]])
        repeats += target in seen
        others = set(range(1, loader.store.n_items)) - {target}
        for ranks, rivals in ((found.ranks, others), (found.ranks_seen_masked, others - seen)):
            assert ranks[row] == 1 + sum(scores[user, i] > scores[user, target] for i in rivals)
    assert repeats > 0  # some targets were seen before, and are ranked all the same
    assert found.seen_masked["Hit@10"] == np.mean(found.ranks_seen_masked <= 10)
    assert found.users.tolist() == loader.rows.users.tolist()


def test_both_protocols_in_one_pass(ready: tuple[ExtConfig, Any, Evaluator]) -> None:
    _, loader, evaluator = ready
    model = Fixed(distinct_scores(loader.store.n_users, loader.store.n_items))
    found = evaluator.evaluate(model, loader)
    assert sum(model.rows_asked) == len(loader.rows) > model.rows_asked[0] == 64
    flat = found.flat()
    assert len(flat) == len(found.seen_kept) + len(found.seen_masked)
    assert flat["MRR@5"] == found.seen_kept["MRR@5"]
    assert flat["MRR@5_seen_masked"] == found.seen_masked["MRR@5"] > flat["MRR@5"]
    assert not model.training


@pytest.mark.parametrize("make", [lambda s: Fixed(s, flat=True), PairsOnly])
def test_other_ways_to_score(make: Any, ready: tuple[ExtConfig, Any, Evaluator]) -> None:
    _, loader, evaluator = ready
    scores = distinct_scores(loader.store.n_users, loader.store.n_items)
    expected: Evaluation = evaluator.evaluate(Fixed(scores), loader)
    assert evaluator.evaluate(make(scores), loader).flat() == expected.flat()


def test_a_nan_stops_the_evaluation(ready: tuple[ExtConfig, Any, Evaluator]) -> None:
    _, loader, evaluator = ready
    scores = distinct_scores(loader.store.n_users, loader.store.n_items)
    scores[int(loader.rows.users[-1]), 3] = torch.nan
    with pytest.raises(FloatingPointError, match="NaN"):
        evaluator.evaluate(Fixed(scores), loader)


def test_progress_wraps_the_loader(ready: tuple[ExtConfig, Any, Evaluator]) -> None:
    _, loader, evaluator = ready
    wrapped = []
    model = Fixed(distinct_scores(loader.store.n_users, loader.store.n_items))
    evaluator.evaluate(model, loader, lambda some: wrapped.append(some) or some)
    assert wrapped == [loader]


def test_popularity_counts_training_items_alone(ready: tuple[ExtConfig, Any, Any]) -> None:
    _, loader, _ = ready
    store = loader.store
    split = leave_one_out(store, "paper")
    naive: Counter[int] = Counter()
    for user in range(1, store.n_users):
        naive.update(store.sequence(user)[:-2].tolist())
    assert counts_by_item(store, split.train_end) == naive


def test_lists_are_the_best_items_without_pad() -> None:
    scores = torch.tensor([[9.0, 1.0, 3.0, 2.0], [9.0, 5.0, 4.0, 6.0]])
    assert top_items(scores, 2).tolist() == [[2, 3], [3, 1]]
    assert top_items(scores, 20).tolist() == [[2, 3, 1], [3, 1, 2]]  # no more items than there are
    assert top_items(torch.tensor([[9.0, 1.0, 2.0, 2.0, 2.0]]), 2).tolist() == [[2, 3]]  # of equals


def test_lists_longer_than_the_catalogue_hold_all_items(settings: Settings) -> None:
    """PAD fills no place: beyond the catalogue a metric is that of all items."""
    config = ExtConfig("BPR", "ring", config_dict=settings(
        own=False, metrics=OF_LISTS, topk=[5, 29, 30, 100], valid_metric="ItemCoverage@5"
    ))  # fmt: skip
    dataset = load_data(config)
    split = leave_one_out(dataset.store, "paper")
    loader = EvaluationLoader(config, dataset, split.test, own_model=False)
    n_items = loader.store.n_items
    scores = distinct_scores(loader.store.n_users, n_items)
    found = Evaluator(config, split).evaluate(Fixed(scores), loader).seen_kept
    assert n_items == 31 and len(found) == 4 * len(OF_LISTS)
    for name in OF_LISTS:
        assert found[f"{name}@100"] == found[f"{name}@30"]
    assert found["ItemCoverage@100"] == 30 / 31 > found["ItemCoverage@5"] / 1.5
    assert found["GiniIndex@100"] == pytest.approx(0.0, abs=0.04)
