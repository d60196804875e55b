"""The losses with negatives in a model: what reaches them, and what they train."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_model import HISTORIES, N_ITEMS, NEXT, batch, build
from torch import Tensor

from recbole_ext.config import ExtConfig
from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.errors import ConfigError
from recbole_ext.model.composable import ComposableRecommender
from recbole_ext.nn.negatives import Negatives

LOSSES = ("BCE", "BPR", "gBCE", "sampled_softmax")
DRAWN = torch.tensor([4, 7, 7, 15])
COUNTS, WEIGHTS = (6, 4, 0, 1), (0.5, 1.0, 2.0, 0.25)
ALL = {TARGET_COUNT: COUNTS, TARGET_WEIGHT: WEIGHTS}


def sampled(loss: str, **changes: Any) -> ComposableRecommender:
    return build(loss_type=loss, n_negatives=4, **changes)


def by_hand(loss: str, target: Tensor, others: Tensor, expected: Tensor) -> Tensor:
    """target and others [≤ 4]: scores; the hits are already left out."""
    beta = 1.0
    if loss == "gBCE":
        rate = 4 / 18  # of the 18 items that are not the target
        beta = rate * (0.75 * (1 - 1 / rate) + 1 / rate)
    if loss == "BPR":
        return -F.logsigmoid(target - others).sum() / 4
    if loss == "sampled_softmax":
        return (target.exp() + (others.exp() / expected).sum()).log() - target
    negative = (1 - others.sigmoid()).log().sum()
    return -(beta * target.sigmoid().log() + negative) / 5


@pytest.mark.parametrize("loss", LOSSES)
def test_all_positions_with_their_weights(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = sampled(loss)
    expected_counts = torch.tensor([0.5, 1.5, 1.5, 2.0])
    drawn = Negatives(DRAWN, expected_counts.log())
    monkeypatch.setattr(model.sampler, "forward", lambda targets: drawn)
    ours = model.calculate_loss(batch(**ALL))
    expected = torch.zeros(())
    for history, following, count, weight in zip(HISTORIES, NEXT, COUNTS, WEIGHTS, strict=True):
        states, targets = model.encode(torch.tensor([history]))[0], [*history[1:], following]
        for i in range(len(history) - count, len(history)):
            kept = targets[i] != DRAWN
            scores = states[i] @ model.item_table.T
            found = by_hand(loss, scores[targets[i]], scores[DRAWN[kept]], expected_counts[kept])
            expected = expected + weight * found
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("direction", ["ar", "ae"])
@pytest.mark.parametrize("shared", ["batch", "position"])
@pytest.mark.parametrize("loss", LOSSES)
def test_neither_padding_nor_mask_learns_as_a_candidate(
    loss: str, shared: str, direction: str
) -> None:
    model = sampled(loss, negatives_shared=shared, direction=direction)
    torch.manual_seed(0)
    states = torch.randn(50, 8)
    found = model.loss(states, torch.randint(1, N_ITEMS, (50,)), None)
    (gradient,) = torch.autograd.grad(found, model.item_table)
    assert not gradient[0].any() and not gradient[N_ITEMS:].any()
    assert gradient[1:N_ITEMS].any(1).sum() > 10


def test_shared_negatives_are_one_draw() -> None:
    targets = torch.tensor(NEXT)
    assert sampled("BPR").sampler(targets).ids.shape == (4,)
    assert sampled("BPR", negatives_shared="position").sampler(targets).ids.shape == (4, 4)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_that_judge_each_score_alone_draw_for_each_position(loss: str) -> None:
    drawn = sampled(loss).sampler(torch.tensor(NEXT))
    assert drawn.ids.shape == ((4, 4) if "BCE" in loss else (4,))


@pytest.mark.parametrize("loss", LOSSES)
def test_no_position_bears_loss(loss: str) -> None:
    model = sampled(loss)
    found = model.calculate_loss(batch(**{TARGET_COUNT: (0, 0, 0, 0)}))
    found.backward()
    assert found.item() == 0.0


@pytest.mark.parametrize(("t", "same"), [(0.0, True), (0.5, False)])
def test_gbce_t_reaches_the_loss(t: float, same: bool) -> None:
    losses = []
    for changes in ({"loss_type": "BCE"}, {"loss_type": "gBCE", "gbce_t": t}):
        model = build(n_negatives=4, **changes)
        torch.manual_seed(1)
        losses.append(model.calculate_loss(batch()).item())
    assert (losses[0] == pytest.approx(losses[1], rel=1e-6)) == same


@torch.no_grad()
def test_logq_correction_reaches_the_loss() -> None:
    """With 4 of 19 items for negatives, uncorrected ones make the task look far too easy."""
    full = build().calculate_loss(batch()).item()
    means = []
    for corrected in (True, False):
        model = sampled("sampled_softmax", logq_correction=corrected)
        torch.manual_seed(0)
        means.append(sum(model.calculate_loss(batch()).item() for _ in range(300)) / 300)
    assert means[1] < full - math.log(2) < means[0] < full


@pytest.mark.parametrize("count", [19, 256])
def test_as_many_negatives_as_items_are_refused(count: int) -> None:
    line = rf"n_negatives: {count} must be smaller than the catalogue of 19 items; loss_type: CE"
    with pytest.raises(ConfigError, match=line):
        build(loss_type="BPR", n_negatives=count)
    assert build(loss_type="BPR", n_negatives=18).sampler is not None


def test_the_halves_of_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recbole_ext.model.sampling.target_counts", lambda *_: torch.ones(N_ITEMS))
    chosen = {"loss_type": "BPR", "n_negatives": 10, "negative_sampling": "mixed"}
    for share, counts in ((0.5, [5, 5]), (0.3, [3, 7]), (0.01, [1, 9]), (0.99, [9, 1])):
        assert build(in_batch_share=share, **chosen).sampler.counts == counts


def test_cross_entropy_draws_nothing() -> None:
    model = build()
    assert model.sampler is None
    torch.manual_seed(0)
    state = torch.get_rng_state()
    model.calculate_loss(batch())
    assert torch.equal(torch.get_rng_state(), state)


Given = Callable[..., ExtConfig]
IDLE = ("n_negatives", "negative_sampling", "negatives_shared", "popularity_exponent",
        "in_batch_share", "gbce_t", "logq_correction", "mask_ratio", "mask_last_prob")  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "alive"),
    [
        ({}, set()),
        ({"loss_type": "BPR"}, {"n_negatives", "negative_sampling", "negatives_shared"}),
        ({"direction": "ae"}, {"mask_ratio", "mask_last_prob"}),
    ],
    ids=["CE, ar", "BPR", "ae"],
)
def test_a_key_that_does_not_apply_is_null(changes: dict[str, Any], alive: set[str]) -> None:
    config = ExtConfig("FPARec", "shop", config_dict=changes)
    assert {key for key in IDLE if config[key] is not None} == alive
    again = ExtConfig(config_dict=config.resolved())
    assert again.resolved() == config.resolved()


def test_a_preset_of_ae_can_be_turned_around() -> None:
    config = ExtConfig("VanillaAE", "shop", config_dict={"direction": "ar"})
    assert config["mask_ratio"] is None and config["hidden_size"] == 64
    assert ExtConfig(config_dict=config.resolved())["direction"] == "ar"
    with pytest.raises(ConfigError, match=r"mask_ratio: 0.2 \(from config_dict\) is for direction"):
        ExtConfig("VanillaAE", "shop", config_dict={"direction": "ar", "mask_ratio": 0.2})


@pytest.mark.parametrize("loss", ["CE", *LOSSES])
def test_recbole_draws_no_negatives(loss: str) -> None:
    """RecBole spells null so."""
    config = ExtConfig("FPARec", "shop", config_dict={"loss_type": loss})
    assert config["train_neg_sample_args"]["distribution"] == "none"
    assert config.resolved()["train_neg_sample_args"] is None


@pytest.mark.parametrize("sampling", ["in_batch", "mixed"])
def test_targets_replaced_at_random_are_expected_in_the_batch(
    sampling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item that is never a target of its own has q = 0 else, and the corrected loss no bound."""
    counts = torch.zeros(N_ITEMS, dtype=torch.int64)
    counts[list(NEXT)] = 5
    monkeypatch.setattr("recbole_ext.model.sampling.target_counts", lambda *_: counts)
    model = sampled("sampled_softmax", negative_sampling=sampling, sse_target_prob=0.4)
    share = model.sampler.sources[0].share
    assert share[NEXT[0]].item() == pytest.approx(0.6 / 4 + 0.4 / 19)
    assert share[2].item() == pytest.approx(0.4 / 19) and share[0] == 0
    torch.manual_seed(0)
    assert all(model.train().calculate_loss(batch()).isfinite() for _ in range(50))
