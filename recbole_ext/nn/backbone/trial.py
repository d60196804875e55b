"""What a backbone can do is found out, not looked up: a trial on random weights and inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from recbole_ext.nn.backbone.build import build_model
from recbole_ext.nn.backbone.layout import look
from recbole_ext.nn.backbone.quiet import quiet
from recbole_ext.nn.backbone.sight import WAYS, Sight
from recbole_ext.nn.backbone.spec import BackboneError, BackboneSpec

_SEED = 20
_CHANGED = 1e-5  # of the largest state: more than rounding, less than one item's part
_SAME = 1e-4  # where widths, and so the order of sums, differ


@dataclass(frozen=True)
class Trial:
    """What a trial found.

    Attributes:
        sight: the way to steer the model.
        idle: names of its parameters that no state depends on.
    """

    sight: Sight
    idle: frozenset[str]


_TRIED: dict[str, Trial] = {}


def tried(spec: BackboneSpec) -> Trial:
    """The first way under which the model of ``spec`` looks where it should, once a process.

    Tried are: the direction, at several slots, with and without padding; that padding does not
    matter; that every state is finite. torch's generator is left as it was.

    Raises:
        BackboneError: no way does all of it; why, in one line.
    """
    key = repr(spec)
    if key not in _TRIED:
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), quiet():
            torch.default_generator.manual_seed(_SEED)  # torch.manual_seed seeds GPUs as well
            _TRIED[key] = _try(spec)
    return _TRIED[key]


def _try(spec: BackboneSpec) -> Trial:
    model = build_model(spec).eval()
    _randomize(model)
    faults = []
    for sight in WAYS:
        try:
            _examine(model, sight, spec)
            return Trial(sight, _idle(model, sight, spec))
        except BackboneError as error:
            faults.append(str(error))
        except Exception as error:  # whatever the family makes of such a mask
            faults.append(f"fails: {type(error).__name__}: {error}")
    raise BackboneError(_worst(faults))


def _worst(faults: list[str]) -> str:
    """The reason that says most: a finding before a failure, the latest before the first."""
    return sorted(faults, key=lambda fault: not fault.startswith("fails"))[-1]


@torch.no_grad()
def _randomize(model: PreTrainedModel) -> None:
    """Weights that let one item among many be seen; zeros that hide a path are gone too."""
    for parameter in model.parameters():
        scale = parameter.shape[-1] ** -0.5 if parameter.dim() > 1 else 0.1
        parameter.add_(torch.randn_like(parameter) * scale)


@torch.no_grad()
def _examine(model: PreTrainedModel, sight: Sight, spec: BackboneSpec) -> None:
    """Raise BackboneError for the first thing that is not as it must be."""
    for padding in sorted({0, spec.max_length // 3}):
        _examine_direction(model, sight, spec, padding)
    _examine_padding(model, sight, spec)


def _examine_direction(
    model: PreTrainedModel, sight: Sight, spec: BackboneSpec, padding: int
) -> None:
    """Change one item at a time, and see which states follow."""
    width = spec.max_length
    slots = _slots(padding, width)
    x = torch.randn(1, width, spec.hidden_size).repeat(len(slots) + 1, 1, 1)
    for row, slot in enumerate(slots, start=1):
        x[row, slot] = torch.randn(spec.hidden_size)
    keep = torch.arange(width).expand(len(x), -1) >= padding
    states = look(model, sight, x, keep, spec.causal)[:, padding:]
    _must_be_finite(states)
    follows = (states[1:] - states[:1]).abs().amax(-1) > _CHANGED * states.abs().max()
    for changed, slot in zip(follows, slots, strict=True):
        place = slot - padding
        _judge(bool(changed[:place].any()), bool(changed[place - 1]), spec.causal)
        if not changed[place : place + 2].all():
            raise BackboneError("sees no earlier items: it cannot predict from a history")


def _slots(first: int, width: int) -> list[int]:
    """Some slots with an item before them, of the real ones ``first`` to ``width - 1``."""
    some = {first + 1, (first + width) // 2, width - 2, width - 1}
    return sorted(slot for slot in some if first < slot < width)


def _judge(any_earlier: bool, next_earlier: bool, causal: bool) -> None:
    if causal and any_earlier:
        raise BackboneError("sees later items even under a causal mask, so it cannot be 'ar'")
    if not causal and not next_earlier:
        raise BackboneError("sees no later items, so it cannot be 'ae'; 'ar' may suit it")


def _examine_padding(model: PreTrainedModel, sight: Sight, spec: BackboneSpec) -> None:
    """What stands in padded slots, how many there are and on which side must not matter."""
    width, length = spec.max_length, max(spec.max_length // 2, 1)
    alone = torch.randn(1, length, spec.hidden_size)
    expected = look(model, sight, alone, torch.ones(1, length, dtype=torch.bool), spec.causal)
    x = torch.randn(3, width, spec.hidden_size)
    keep = torch.zeros(3, width, dtype=torch.bool)
    for row, place in enumerate((slice(width - length, width), slice(0, length))):
        x[row, place], keep[row, place] = alone[0], True
    states = look(model, sight, x, keep, spec.causal)
    _must_be_finite(states)
    for found in (states[:1, width - length :], states[1:2, :length]):
        if (found - expected).abs().max() > _SAME * expected.abs().max():
            raise BackboneError("lets padding change the states of items")


def _must_be_finite(states: Tensor) -> None:
    if not states.isfinite().all():
        raise BackboneError("gives states that are not finite")


def _idle(model: PreTrainedModel, sight: Sight, spec: BackboneSpec) -> frozenset[str]:
    """Parameters without a gradient. An expert may get no item in so small a trial: it stays."""
    x = torch.randn(2, spec.max_length, spec.hidden_size)
    keep = torch.ones(2, spec.max_length, dtype=torch.bool)
    look(model, sight, x, keep, spec.causal).square().sum().backward()
    without = (name for name, p in model.named_parameters() if p.grad is None)
    return frozenset(name for name in without if "expert" not in name)
