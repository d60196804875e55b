"""Optimiser and learning-rate schedule from configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR


def build_adam(config: Any, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Adam or AdamW (``learner``) with β1, β2, ε as keys, fused where torch can."""
    parameters = list(parameters)
    fused = config["fused_optimizer"]
    if fused in (None, "auto"):
        fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    family = AdamW if config["learner"].lower() == "adamw" else Adam
    return family(
        parameters,
        lr=config["learning_rate"],
        betas=(config["adam_beta1"], config["adam_beta2"]),
        eps=config["adam_eps"],
        weight_decay=config["weight_decay"],
        fused=bool(fused),
    )


def build_schedule(config: Any, optimizer: Optimizer, steps_per_epoch: int) -> LambdaLR:
    """A schedule to be stepped after every batch."""
    total = max(1, config["epochs"] * steps_per_epoch)
    warmup = config["warmup_steps"] or round((config["warmup_epochs"] or 0) * steps_per_epoch)
    kind = config["lr_schedule"] or "constant"
    return LambdaLR(optimizer, factor(kind, warmup, total, config["min_lr_ratio"] or 0.0))


def factor(kind: str, warmup: int, total: int, floor: float) -> Callable[[int], float]:
    """Step -> share of the learning rate.

    It rises linearly over ``warmup`` steps, then stays (``constant``) or falls to ``floor`` at step
    ``total`` along a line or half a cosine.
    """

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if kind == "constant":
            return 1.0
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        left = 1.0 - done if kind == "linear" else (1.0 + math.cos(math.pi * done)) / 2.0
        return floor + (1.0 - floor) * left

    return share


def clip(parameters: Iterable[nn.Parameter], settings: dict[str, Any] | None) -> None:
    """Clip the norm of all gradients by RecBole's ``clip_grad_norm`` dictionary."""
    if settings:
        norm = float(settings.get("norm_type", 2.0))  # which may be the word inf
        torch.nn.utils.clip_grad_norm_(parameters, **{**settings, "norm_type": norm})
