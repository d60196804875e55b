"""`exclude_history` and inverse-propensity weights in a model, against loops over positions."""

from __future__ import annotations

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

COUNTS, WEIGHTS = (6, 4, 0, 1), (0.5, 1.0, 2.0, 0.25)
ALL = {TARGET_COUNT: COUNTS, TARGET_WEIGHT: WEIGHTS}
DRAWN = torch.tensor([3, 5, 8, 4, 7, 7, 1])
POPULARITY = torch.arange(N_ITEMS) ** 2  # how often an item is a target ...
TAKEN = POPULARITY + 5  # ... and how often it was taken


@pytest.fixture(autouse=True)
def _popularity(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sampling", "propensities"):
        monkeypatch.setattr(f"recbole_ext.model.{module}.target_counts", lambda *_: POPULARITY)
    monkeypatch.setattr("recbole_ext.model.propensities.training_counts", lambda *_: TAKEN)


def positions(all_positions: bool) -> list[tuple[tuple[int, ...], int, float]]:
    """Of every position that bears loss: what it has read, its target, its weight."""
    found = []
    for history, following, count, weight in zip(HISTORIES, NEXT, COUNTS, WEIGHTS, strict=True):
        targets = [*history[1:], following]
        for i in range(len(history) - count if all_positions else len(history) - 1, len(history)):
            found.append((history[: i + 1], targets[i], weight if all_positions else 0.25))
    return found


def fixed_draw(model: ComposableRecommender, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Makes every draw that of DRAWN; returns its expected counts."""
    expected = torch.linspace(0.5, 2.0, len(DRAWN))
    drawn = Negatives(DRAWN, expected.log())
    monkeypatch.setattr(model.sampler, "forward", lambda targets: drawn)
    return expected


def state(model: ComposableRecommender, read: tuple[int, ...], target: int) -> Tensor:
    """[V] scores after what was read (attention by distance: as in the packed row)."""
    return model.encode(torch.tensor([read]))[0, -1] @ model.item_table[:N_ITEMS].T


@pytest.mark.parametrize("all_positions", [True, False])
@pytest.mark.parametrize("excluded", [True, False])
def test_what_is_read_is_no_negative(
    excluded: bool, all_positions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(attention="relative_positional", loss_type="sampled_softmax", n_negatives=7,
                  exclude_history=excluded)  # fmt: skip
    m = fixed_draw(model, monkeypatch)
    ours = model.calculate_loss(batch(**(ALL if all_positions else {})))
    expected = torch.zeros(())
    for read, target, weight in positions(all_positions):
        scores = state(model, read, target)
        left = torch.tensor([i != target and not (excluded and i in read) for i in DRAWN.tolist()])
        others = (scores[DRAWN].exp() / m)[left].sum()
        expected = expected + weight * ((scores[target].exp() + others).log() - scores[target])
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_cloze_reads_the_whole_row_but_what_is_hidden() -> None:
    model = build(direction="ae", loss_type="BPR", n_negatives=7, exclude_history=True)
    torch.manual_seed(0)
    task = model.task(batch(**ALL))
    read = task.histories(causal=False)
    held = read.hold(torch.arange(N_ITEMS))
    rows = task.asked.nonzero()[:, 0].tolist()  # type: ignore[union-attr]
    for found, row in zip(held, rows, strict=True):
        assert found[1:].nonzero().flatten().add(1).tolist() == sorted(
            {i for i in task.inputs[row].tolist() if 0 < i < N_ITEMS}
        )


def weight_of(target: int, exponent: float) -> float:
    taken, asked = TAKEN.tolist(), POPULARITY.tolist()
    mean = sum(n * taken[item] ** -exponent for item, n in enumerate(asked)) / sum(asked)
    return float(taken[target] ** -exponent / mean)


@pytest.mark.parametrize("all_positions", [True, False])
@pytest.mark.parametrize("loss", ["CE", "sampled_softmax"])
def test_a_target_weighs_by_its_inverse_propensity(
    loss: str, all_positions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampled = {"n_negatives": 7} if loss != "CE" else {}
    model = build(attention="relative_positional", loss_type=loss, ips_exponent=0.5, ips_clip=None,
                  **sampled)  # fmt: skip
    m = fixed_draw(model, monkeypatch) if loss != "CE" else torch.ones(())
    ours = model.calculate_loss(batch(**(ALL if all_positions else {})))
    expected = torch.zeros(())
    for read, target, weight in positions(all_positions):
        scores = state(model, read, target)
        if loss == "CE":
            found = F.cross_entropy(scores[1:], torch.tensor(target - 1))
        else:
            others = (scores[DRAWN].exp() / m)[target != DRAWN].sum()
            found = (scores[target].exp() + others).log() - scores[target]
        expected = expected + weight * weight_of(target, 0.5) * found
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_off_by_default_and_no_draw_is_lost() -> None:
    model = build()
    assert model.propensity_weights is None and not model.exclude_history
    losses = []
    for changes in ({}, {"exclude_history": True}):
        torch.manual_seed(5)
        losses.append(build(loss_type="BPR", n_negatives=7, **changes).loss(
            torch.ones(3, 8), torch.tensor([1, 2, 3]), None).item())  # fmt: skip
    assert losses[0] == losses[1]  # nothing was said of what they read


def test_the_preset() -> None:
    config = ExtConfig("DebiasedSASRec", "shop")
    chosen = ("loss_type", "negative_sampling", "logq_correction", "ips_exponent", "attention")
    assert [config[key] for key in chosen] == [
        "sampled_softmax", "mixed", True, 0.5, "dot_product",
    ]  # fmt: skip
    model = build("DebiasedSASRec", n_negatives=8)
    torch.manual_seed(0)
    first = model.calculate_loss(batch(**ALL)).item()
    torch.manual_seed(0)
    assert model.calculate_loss(batch(**ALL)).item() == first


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"ips_exponent": -1}, "ips_exponent: -1 .* must be a number >= 0"),
        ({"ips_clip": 0.5}, "ips_clip: 0.5 .* must be a number >= 1 or null"),
        ({"exclude_history": True}, r"exclude_history: true .* is for loss_type: BCE or BPR or"),
        ({"exclude_history": "yes", "loss_type": "BPR"}, "exclude_history: 'yes' .* true or false"),
        ({"eval_ips_exponent": -0.5}, "eval_ips_exponent: -0.5 .* must be a number >= 0 or null"),
    ],
    ids=str,
)
def test_wrong_values(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        ExtConfig("VanillaAR", "shop", config_dict=changes)
