"""The training loop: what counts as a gain, which epoch is kept, what is recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from recbole_ext.runner import Run, run
from recbole_ext.training import checkpoint
from recbole_ext.training.progress import Progress
from recbole_ext.training.run_folder import HISTORY_FILE, MODEL_FILE, TENSORBOARD_DIR
from recbole_ext.training.trainer import SequenceTrainer

pytestmark = pytest.mark.usefixtures("quiet_place")

Settings = Callable[..., dict[str, Any]]
METRIC = "NDCG@10"


def scripted(monkeypatch: pytest.MonkeyPatch, scores: Sequence[float], name: str = METRIC) -> None:
    """Let validations find these scores, one after another, and the test the last one."""
    left = list(scores)

    def rank(self: SequenceTrainer, loader: Any) -> Any:
        score = left.pop(0) if len(left) > 1 else left[0]
        ranks = np.ones(len(loader.rows))
        return SimpleNamespace(flat=lambda: {name: score}, ranks=ranks, ranks_seen_masked=ranks)

    monkeypatch.setattr(SequenceTrainer, "rank", rank)


def saved_epoch(finished: Run) -> int:
    return int(checkpoint.read(finished.run_dir / MODEL_FILE)[1]["epoch"])


def test_progress_in_full_precision() -> None:
    progress = Progress()
    gains = []
    for score in (0.5, 0.5 + 1e-12, 0.5 + 1e-12, 0.5, 0.6):
        progress.epoch += 1
        gains.append(progress.take(score, {"m": score}, bigger=True))
    assert gains == [True, True, False, False, True]
    assert (progress.best_epoch, progress.best_score, progress.best_metrics) == (4, 0.6, {"m": 0.6})
    assert progress.without_gain == 0


def test_progress_where_less_is_better() -> None:
    progress = Progress()
    assert [progress.take(s, {}, bigger=False) for s in (0.5, 0.6, 0.4)] == [True, False, True]


def test_early_stopping_is_not_fooled_by_rounding(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [0.5, 0.5 + 1e-9, 0.5 + 2e-9, 0.5, 0.5, 0.5, 0.9])
    finished = run("FPARec", "ring", config_dict=settings(epochs=9, stopping_step=1))
    # two validations without a gain are one more than stopping_step
    assert (finished.metrics["epochs"], finished.metrics["best_epoch"]) == (5, 2)
    assert saved_epoch(finished) == 2


def test_early_stopping_on_seen_masked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "MRR@5_seen_masked"
    scripted(monkeypatch, [0.1, 0.3, 0.2], name)
    chosen = settings(epochs=3, valid_metric="mrr@5_Seen_Masked".lower())
    finished = run("FPARec", "ring", config_dict=chosen)
    assert finished.metrics["best_epoch"] == 1
    assert finished.metrics["valid_seen_masked"] == {"MRR@5": 0.3}
    assert finished.metrics["valid"] == {}


def test_a_metric_where_less_is_better(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [0.5, 0.3, 0.4], "GiniIndex@10")
    chosen = settings(epochs=3, valid_metric="GiniIndex@10", metrics=["Hit", "GiniIndex"])
    assert run("FPARec", "ring", config_dict=chosen).metrics["best_epoch"] == 1


@pytest.mark.parametrize(
    ("epochs", "validated", "scores", "best"),
    [(6, [1, 3, 5], [0.3, 0.2, 0.1], 1), (5, [1, 3, 4], [0.1, 0.2, 0.3], 4), (1, [0], [0.1], 0)],
)
def test_validating_every_other_epoch(
    epochs: int,
    validated: list[int],
    scores: list[float],
    best: int,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last epoch is always ranked, and an epoch that is not does not replace the best."""
    seen = []
    monkeypatch.setattr(
        SequenceTrainer,
        "_validate",
        lambda self, *rest, original=SequenceTrainer._validate: (
            seen.append(self.progress.epoch) or original(self, *rest)
        ),
    )
    scripted(monkeypatch, [*scores, 0.0])
    finished = run("FPARec", "ring", config_dict=settings(epochs=epochs, eval_step=2))
    assert seen == validated
    assert (finished.metrics["best_epoch"], saved_epoch(finished)) == (best, best)


def test_without_validation_the_last_epoch_is_kept(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings(epochs=3, eval_step=0))
    assert (finished.metrics["best_epoch"], saved_epoch(finished)) == (-1, 2)
    assert finished.metrics["valid"] == finished.metrics["valid_seen_masked"] == {}
    assert finished.metrics["test"]["Hit@20"] > 0


def test_scalars_are_in_the_run_folder(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings(epochs=3, lr_schedule="linear"))
    events = EventAccumulator(str(finished.run_dir / "tensorboard")).Reload()
    names = {f"{m}@{k}" for m in ("Hit", "NDCG", "MRR") for k in (5, 10, 20)}
    assert set(events.Tags()["scalars"]) == {
        *(f"valid/{name}" for name in names),
        *(f"valid_seen_masked/{name}" for name in names),
        "train/loss",
        "train/learning_rate",
        "train/targets_per_second",
    }
    found = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    assert all([event.step for event in series] == [0, 1, 2] for series in found.values())
    best = finished.metrics["best_epoch"]
    assert found["valid/NDCG@10"][best].value == pytest.approx(finished.metrics["valid"]["NDCG@10"])
    rates = [event.value for event in found["train/learning_rate"]]
    assert rates == pytest.approx([0.01 * 2 / 3, 0.01 / 3, 0.0], abs=1e-8)
    assert found["train/loss"][2].value < found["train/loss"][0].value
    assert not Path("log_tensorboard").exists()


def test_a_run_that_is_stopped_leaves_no_thread(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    monkeypatch.setattr(SequenceTrainer, "_validate", stop)
    with pytest.raises(KeyboardInterrupt):
        run("FPARec", "ring", config_dict=settings(epochs=1))
    assert threading.active_count() == before


def test_the_mean_loss_is_that_of_the_epochs_own_batches(settings: Settings) -> None:
    """The next epoch may be cut into another number of batches."""
    chosen = settings(long_sequences="chunk", MAX_ITEM_LIST_LENGTH=3, train_batch_size=4)
    finished = run("FPARec", "ring", config_dict=chosen)
    trainer, train = finished.trainer, finished.loaders.train
    lengths = []
    for epoch in range(6):
        train.epoch = epoch
        lengths.append(len(train))
        constant = _constant_loss(finished.model)
        losses, targets = trainer._train_epoch(train, epoch, constant)
        assert losses == pytest.approx([2.0, 0.5])
        assert targets == train.rows(epoch).n_targets
    assert len(set(lengths)) > 1


def _constant_loss(model: torch.nn.Module) -> Callable[[Any], tuple[torch.Tensor, torch.Tensor]]:
    """A loss in two parts, as some of RecBole's models give it."""

    def loss(_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        zero = sum(parameter.sum() for parameter in model.parameters()) * 0.0
        return zero + 2.0, zero + 0.5

    return loss


def test_schedules_step_by_batch(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings(epochs=3, train_batch_size=10))
    assert finished.trainer._schedule is not None
    assert finished.trainer._schedule.last_epoch == 3 * 8 == 3 * len(finished.loaders.train)


def test_gradients_are_clipped(settings: Settings) -> None:
    """Plain gradient descent moves by no more than rate times norm."""
    chosen = settings(learner="sgd", learning_rate=1.0, clip_grad_norm=1e-3)
    finished = run("FPARec", "ring", config_dict=chosen)
    before = torch.nn.utils.parameters_to_vector(finished.model.parameters()).detach()
    batch = next(iter(finished.loaders.train))
    finished.model.train()
    finished.trainer._step(finished.model.calculate_loss, batch)
    moved = torch.nn.utils.parameters_to_vector(finished.model.parameters()) - before
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-2)


def test_a_loss_that_is_not_a_number(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    step = SequenceTrainer._step
    monkeypatch.setattr(SequenceTrainer, "_step", lambda *args: step(*args) * torch.nan)
    with pytest.raises(FloatingPointError) as error:
        run("FPARec", "ring", config_dict=settings())
    assert str(error.value) == (
        "the training loss became NaN in epoch 0; lower learning_rate or set clip_grad_norm"
    )


def test_callbacks_hear_of_every_validation(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings(epochs=1))
    trainer, heard = finished.trainer, []
    trainer.epochs = 3
    trainer.fit(
        finished.loaders.train,
        finished.loaders.valid,
        saved=False,
        callback_fn=lambda epoch, score: heard.append((epoch, score)),
    )
    assert [epoch for epoch, _ in heard] == [1, 2]
    assert max(score for _, score in heard) <= trainer.progress.best_score  # type: ignore[operator]


def test_history_has_a_line_for_each_epoch(settings: Settings) -> None:
    finished = run("FPARec", "ring", config_dict=settings(epochs=3, eval_step=2))
    lines = (finished.run_dir / HISTORY_FILE).read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert [bool(row[METRIC]) for row in rows] == [False, True, True]
    assert max(float(row[METRIC] or 0) for row in rows) == pytest.approx(
        finished.metrics["valid"][METRIC], rel=1e-7
    )
    scalars = EventAccumulator(str(finished.run_dir / TENSORBOARD_DIR)).Reload()
    for name, curve in (("loss", "train/loss"), ("learning_rate", "train/learning_rate")):
        noted = [event.value for event in scalars.Scalars(curve)]
        assert [float(row[name]) for row in rows] == pytest.approx(noted, rel=1e-6)
