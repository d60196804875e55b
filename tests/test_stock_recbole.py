"""RecBole's own data set, loaders, Trainer and evaluator run this library's models too."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.data import create_dataset, data_preparation
from recbole.data.dataloader import FullSortEvalDataLoader, TrainDataLoader
from recbole.data.dataset import SequentialDataset
from recbole.trainer import Trainer
from recbole.utils import init_seed

from recbole_ext.config import ExtConfig
from recbole_ext.data.loaders import build_loaders
from recbole_ext.data.loading import load_data
from recbole_ext.evaluation.evaluator import Evaluator

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
METRICS = ["Hit", "NDCG", "MRR", "Recall", "Precision", "MAP"]


def stock_run(config: ExtConfig) -> tuple[Any, dict[str, float], dict[str, float], float]:
    """Trained by RecBole alone: model, its validation and test metrics, first batch's loss."""
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    train, valid, test = data_preparation(config, dataset)
    assert type(dataset) is SequentialDataset
    assert (type(train), type(test)) == (TrainDataLoader, FullSortEvalDataLoader)
    model = config.model_class(config, train.dataset).to(config["device"])
    with torch.no_grad():
        before = model.eval().calculate_loss(next(iter(train))).item()
    trainer = Trainer(config, model)
    best, found = trainer.fit(train, valid, saved=False, verbose=False)
    assert best == found["ndcg@10"]
    # `found` is of the best epoch; the model is that of the last one.
    last, tested = (trainer.evaluate(part, load_best_model=False) for part in (valid, test))
    assert last["ndcg@10"] <= best
    return model, last, tested, before


@pytest.mark.parametrize("model", ["FPARec", "PARec"])
def test_trains_and_ranks_on_ml_100k(model: str, ml_100k: Settings) -> None:
    chosen = ml_100k(
        epochs=1,
        train_batch_size=4096,
        MAX_ITEM_LIST_LENGTH=20,
        split_protocol="recbole",
        metrics=METRICS,
        metric_decimal_place=10,
    )
    config = ExtConfig(model, "ml-100k", config_dict=chosen)
    trained, valid, test, before = stock_run(config)
    assert before == pytest.approx(7.43, abs=0.02)  # log of 1,682 items: nothing is known yet
    assert_ours_agrees(config, trained, valid, test)
    # 10 of 1,682 items at random hit 0.6 %; one epoch finds at least the popular ones.
    assert test["hit@10"] > 0.02


def test_the_readmes_lines_run() -> None:
    """As a script of their own: RecBole must be importable by what they import first."""
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^```python\n(from recbole_ext.config .*?)^```", readme, re.S | re.M)
    lines = lines.replace('"epochs": 1', '"epochs": 1, "MAX_ITEM_LIST_LENGTH": 10')
    last = lines.rstrip().splitlines()[-1].split("  #")[0]
    ended = subprocess.run(
        [sys.executable, "-c", lines.replace(last, f"print({last})")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "hit@10" in ended.stdout


def assert_ours_agrees(
    config: ExtConfig, trained: Any, valid: dict[str, float], test: dict[str, float]
) -> None:
    """Our evaluator finds RecBole's metrics of both parts."""
    loaders = build_loaders(config, load_data(config), own_model=True)
    evaluator = Evaluator(config, loaders.split)
    for loader, theirs in ((loaders.valid, valid), (loaders.test, test)):
        ours = evaluator.evaluate(trained, loader).seen_kept
        assert len(ours) == 3 * len(METRICS)
        assert {name.lower(): value for name, value in ours.items()} == pytest.approx(
            theirs, abs=1e-6
        )


SAMPLED = {"loss_type": "gBCE", "n_negatives": 8, "epochs": 80, "eval_step": 20}


@pytest.mark.parametrize("changes", [{}, SAMPLED], ids=str)
def test_cloze_training(changes: dict[str, Any], settings: Settings) -> None:
    """Masks and negatives are the model's own business: RecBole's loop needs nothing for them."""
    chosen = settings(
        split_protocol="recbole",
        metrics=METRICS,
        metric_decimal_place=10,
        hidden_dropout_prob=0.0,
        attn_dropout_prob=0.0,
        **{"epochs": 12, **changes},
    )
    config = ExtConfig("VanillaAE", "ring", config_dict=chosen)
    trained, valid, test, before = stock_run(config)
    if not changes:
        assert before == pytest.approx(3.4, rel=0.25)  # log of 30 items, a batch of drawn masks
    assert_ours_agrees(config, trained, valid, test)
    assert test["hit@5"] > 0.4  # 5 of 30 items at random hit 17 %


def test_a_stock_batch_has_the_loss_of_ours(settings: Settings) -> None:
    """Every prefix: RecBole's padded rows and our trimmed ones weigh and score the same."""
    chosen = settings(
        train_objective="last_position",
        split_protocol="recbole",
        shuffle=False,
        train_batch_size=9999,
    )
    config = ExtConfig("FPARec", "ring", config_dict=chosen)
    theirs = data_preparation(config, create_dataset(config))[0]
    ours = build_loaders(config, load_data(config), own_model=True).train
    torch.manual_seed(0)
    model = config.model_class(config, theirs.dataset).eval()
    (one,), (other,) = list(theirs), list(ours)
    assert one["item_id_list"].shape == (len(one), 8)
    losses = []
    for batch in (one, other):
        model.zero_grad()
        loss = model.calculate_loss(batch)
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        losses.append((loss.item(), gradient))
    assert losses[0][0] == pytest.approx(losses[1][0], rel=1e-5)
    assert torch.allclose(losses[0][1], losses[1][1], atol=1e-6)
    assert losses[0][1].norm() > 0.01


def test_predict_is_a_column_of_full_sort_predict(settings: Settings) -> None:
    config = ExtConfig("PARec", "ring", config_dict=settings())
    test = data_preparation(config, create_dataset(config))[2]
    torch.manual_seed(0)
    model = config.model_class(config, test.dataset).eval()
    batch = next(iter(test))[0]
    with torch.no_grad():
        scores = model.full_sort_predict(batch)
        rows = torch.arange(len(batch))
        assert scores.shape == (len(batch), test.dataset.item_num)
        assert torch.allclose(model.predict(batch), scores[rows, batch["item_id"]], atol=1e-6)
