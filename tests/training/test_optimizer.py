"""Adam's keys, schedules at hand-computed steps, clipping."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import yaml
from torch import nn
from torch.optim import Adam, AdamW, Optimizer

from recbole_ext.config import ExtConfig
from recbole_ext.training.optimizer import build_adam, build_schedule, clip, factor

CONFIG: dict[str, Any] = {
    "learner": "adam",
    "learning_rate": 0.01,
    "adam_beta1": 0.8,
    "adam_beta2": 0.97,
    "adam_eps": 1e-6,
    "weight_decay": 0.02,
    "fused_optimizer": "auto",
    "epochs": 5,
    "lr_schedule": "constant",
    "warmup_steps": 0,
    "warmup_epochs": 0,
    "min_lr_ratio": 0.0,
}


def optimizer(**overrides: Any) -> Optimizer:
    return build_adam({**CONFIG, **overrides}, [nn.Parameter(torch.ones(3))])


@pytest.mark.parametrize(("learner", "family"), [("adam", Adam), ("AdamW", AdamW)])
def test_keys_reach_the_optimizer(learner: str, family: type[Optimizer]) -> None:
    built = optimizer(learner=learner)
    assert type(built) is family
    (group,) = built.param_groups
    assert (group["lr"], group["betas"]) == (0.01, (0.8, 0.97))
    assert (group["eps"], group["weight_decay"]) == (1e-6, 0.02)


@pytest.mark.parametrize(
    ("key", "fused"), [("auto", True), (None, True), (True, True), (False, False)]
)
def test_fused(key: Any, fused: bool) -> None:
    assert optimizer(fused_optimizer=key).param_groups[0]["fused"] is fused


@pytest.mark.parametrize("fused", [False, True])
def test_one_step_by_hand(fused: bool) -> None:
    """The first step of Adam moves by lr g / (|g| + eps), whatever the betas."""
    parameter = nn.Parameter(torch.tensor([1.0, 1.0]))
    built = build_adam({**CONFIG, "weight_decay": 0.0, "fused_optimizer": fused}, [parameter])
    parameter.grad = torch.tensor([3.0, -1e-6])
    built.step()
    assert parameter.tolist() == pytest.approx([0.99, 1.005], abs=1e-7)


def test_beta2_matters_from_the_second_step() -> None:
    def second(beta2: float) -> float:
        parameter = nn.Parameter(torch.tensor([0.0]))
        built = build_adam({**CONFIG, "weight_decay": 0.0, "adam_beta2": beta2}, [parameter])
        for gradient in (1.0, 3.0):
            parameter.grad = torch.tensor([gradient])
            built.step()
        return parameter.item()

    def by_hand(beta2: float) -> float:
        mean = (0.8 * 0.2 * 1 + 0.2 * 3) / (1 - 0.8**2)
        square = (beta2 * (1 - beta2) * 1 + (1 - beta2) * 9) / (1 - beta2**2)
        return -0.01 - 0.01 * mean / (math.sqrt(square) + 1e-6)

    assert second(0.97) == pytest.approx(by_hand(0.97), rel=1e-5)
    assert second(0.999) == pytest.approx(by_hand(0.999), rel=1e-5)
    assert abs(by_hand(0.97) - by_hand(0.999)) > 1e-5


@pytest.mark.parametrize(
    ("kind", "warmup", "total", "floor", "expected"),
    [
        ("constant", 0, 10, 0.0, {0: 1, 9: 1, 50: 1}),
        ("constant", 4, 10, 0.0, {0: 0.25, 1: 0.5, 3: 1, 4: 1, 50: 1}),
        ("linear", 0, 10, 0.0, {0: 1, 5: 0.5, 9: 0.1, 10: 0, 11: 0}),
        ("linear", 2, 12, 0.0, {0: 0.5, 1: 1, 2: 1, 7: 0.5, 12: 0}),
        ("linear", 2, 12, 0.2, {1: 1, 2: 1, 7: 0.6, 12: 0.2, 99: 0.2}),
        ("cosine", 0, 8, 0.0, {0: 1, 2: (1 + math.sqrt(0.5)) / 2, 4: 0.5, 8: 0, 9: 0}),
        ("cosine", 4, 12, 0.1, {0: 0.25, 4: 1, 8: 0.55, 12: 0.1}),
        ("cosine", 10, 5, 0.1, {0: 0.1, 9: 1, 10: 1, 11: 0.1}),  # warm-up beyond the end
        ("linear", 0, 10, 1.0, {0: 1, 5: 1, 10: 1}),
    ],
)
def test_factor(
    kind: str, warmup: int, total: int, floor: float, expected: dict[int, float]
) -> None:
    share = factor(kind, warmup, total, floor)
    assert {step: share(step) for step in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("keys", "rates"),
    [
        ({}, [0.01] * 6),
        ({"warmup_steps": 3}, [0.01 / 3, 0.02 / 3, 0.01, 0.01, 0.01, 0.01]),
        ({"warmup_epochs": 1.5}, [0.01 / 3, 0.02 / 3, 0.01, 0.01, 0.01, 0.01]),
        ({"lr_schedule": "linear"}, [0.01, 0.009, 0.008, 0.007, 0.006, 0.005]),
        (
            {"lr_schedule": "linear", "warmup_epochs": 1, "min_lr_ratio": 0.5},
            [0.005, 0.01, 0.01, 0.01 * 15 / 16, 0.01 * 14 / 16, 0.01 * 13 / 16],
        ),
    ],
)
def test_rates_of_the_first_batches(keys: dict[str, Any], rates: list[float]) -> None:
    """Five epochs of two batches."""
    built = optimizer()
    schedule = build_schedule({**CONFIG, **keys}, built, steps_per_epoch=2)
    found = []
    for _ in rates:
        found.append(built.param_groups[0]["lr"])
        built.step()
        schedule.step()
    assert found == pytest.approx(rates)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, [3.0, 4.0]),
        ({"max_norm": 10.0}, [3.0, 4.0]),
        ({"max_norm": 1.0}, [0.6, 0.8]),
        ({"max_norm": 2.0, "norm_type": math.inf}, [1.5, 2.0]),
    ],
)
def test_clipping(settings: dict[str, float] | None, expected: list[float]) -> None:
    parameters = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    for parameter, gradient in zip(parameters, (3.0, 4.0), strict=True):
        parameter.grad = torch.tensor([gradient])
    clip(parameters, settings)
    gradients = [parameter.grad.item() for parameter in parameters if parameter.grad is not None]
    assert gradients == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("word", ["inf", ".inf"])
def test_the_norm_of_the_largest_gradient(word: str) -> None:
    """As RecBole's dictionary goes to torch, which takes it; a run's config.yaml keeps it."""
    argument = f"--clip_grad_norm={{max_norm: 1, norm_type: {word}}}"
    chosen = ExtConfig("FPARec", "ml-100k", cli_args=[argument])
    again = ExtConfig(config_dict=yaml.safe_load(chosen.snapshot_yaml()))
    assert again["clip_grad_norm"] == chosen["clip_grad_norm"]
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.tensor([4.0, 2.0, 1.0])
    clip([parameter], again["clip_grad_norm"])
    torch.testing.assert_close(parameter.grad, torch.tensor([1.0, 0.5, 0.25]))
