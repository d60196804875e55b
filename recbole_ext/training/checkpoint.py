"""Checkpoints without pickle: tensors and a JSON text in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from recbole_ext.errors import CheckpointError
from recbole_ext.training import extras
from recbole_ext.training.run_folder import RunFolder

FORMAT = "recbole_ext/1"
PARAMETER = "model."
EXTRA = "extra."
OPTIMIZER = "optimizer."


def write(folder: RunFolder, name: str, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write ``tensors`` and the JSON-able ``state`` as one file, atomically."""
    owned = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    metadata = {"format": FORMAT, "state": json.dumps(state)}
    try:
        with folder.replacing(name) as beside:
            save_file(owned, beside, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder.file(name)} could not be written ({error}); what was written before is "
            f"untouched, go on with: recbole_ext resume {folder.path}"
        ) from error


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What :func:`write` wrote.

    Raises:
        CheckpointError: no such file, cut off, or not one of ours.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys()  # the handle itself cannot be iterated
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: damaged or no safetensors file ({error})") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not written by recbole_ext (format {FORMAT} expected)")
    try:
        state = json.loads(metadata["state"])
    except (LookupError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: damaged: its state is no JSON ({error})") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: damaged: its state is no JSON object")
    return tensors, state


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Whatever goes wrong in the block, with values read from ``path``, is that file's fault."""
    try:
        yield
    except CheckpointError:
        raise
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged: {error!r}") from error


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Weights, buffers and RecBole's ``other_parameter`` (counts, similarity matrices)."""
    tensors = {PARAMETER + key: value for key, value in model.state_dict().items()}
    for key, value in _extras(model).items():
        if value is not None:  # an empty cache
            tensors |= {EXTRA + k: v for k, v in extras.encode(key, value).items()}
    return tensors


def _extras(model: nn.Module) -> dict[str, Any]:
    """``other_parameter`` without sub-modules: some models name one, and the weights hold it."""
    others = model.other_parameter().items()  # type: ignore[operator]
    return {key: value for key, value in others if not isinstance(value, nn.Module)}


def saved_state(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The ``state_dict`` among the tensors of a checkpoint."""
    return {k.removeprefix(PARAMETER): v for k, v in tensors.items() if k.startswith(PARAMETER)}


def restore_model(model: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Put saved tensors back into ``model``.

    Raises:
        CheckpointError: names or shapes belong to another model or another data set.
    """
    saved = saved_state(tensors)
    own = model.state_dict()
    for key in sorted(saved.keys() ^ own.keys()):
        side = "lacks" if key in own else "has the unknown"
        raise CheckpointError(f"{path}: belongs to another model: it {side} '{key}'")
    for key, value in own.items():
        if value.shape != saved[key].shape:
            raise CheckpointError(
                f"{path}: '{key}' has shape {tuple(saved[key].shape)}, the model "
                f"{tuple(value.shape)}: another configuration or data set"
            )
        if value.dtype != saved[key].dtype:
            raise CheckpointError(f"{path}: '{key}' is {saved[key].dtype}, not {value.dtype}")
    others = _saved_extras(model, tensors, path)
    model.load_state_dict(saved)
    model.load_other_parameter(others)  # type: ignore[operator]


def _saved_extras(model: nn.Module, tensors: dict[str, Tensor], path: Path) -> dict[str, Any]:
    """The model's ``other_parameter`` out of ``tensors``; what was not saved was empty.

    RecBole sets each as an attribute: none may take the place of something else, a method say.
    """
    with naming_damage(path):
        saved = {k.removeprefix(EXTRA): v for k, v in tensors.items() if k.startswith(EXTRA)}
        found = extras.decode(saved)
    known = _extras(model)
    for name in sorted(found.keys() - known.keys()):
        if hasattr(model, name):
            raise CheckpointError(f"{path}: belongs to another model: it has the unknown '{name}'")
    device = next(model.parameters()).device
    moved = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in found.items()}
    return {**dict.fromkeys(known), **moved}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The optimiser's state as named tensors and a JSON-able rest."""
    state = optimizer.state_dict()
    tensors, rest = {}, {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            key = f"{OPTIMIZER}{index}.{name}"
            if isinstance(value, Tensor):
                tensors[key] = value
            else:
                rest[key] = value
    return tensors, {"groups": state["param_groups"], "values": rest}


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], state: dict[str, Any]
) -> None:
    """Undo :func:`optimizer_tensors`.

    Raises:
        ValueError, LookupError, TypeError: the state is not this optimiser's. A fused step would
            read beyond a tensor that is too small, so shapes are compared.
    """
    entries: dict[int, dict[str, Any]] = {}
    named = {k: v for k, v in tensors.items() if k.startswith(OPTIMIZER)}
    for key, value in {**named, **state["values"]}.items():
        index, name = key.removeprefix(OPTIMIZER).split(".", 1)
        entries.setdefault(int(index), {})[name] = value
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for index, entry in entries.items():
        if entry.keys() != entries[min(entries)].keys():
            raise ValueError(f"the optimiser's state of parameter {index} is not like the others'")
        for name, value in entry.items():
            if isinstance(value, Tensor) and value.dim() and value.shape != parameters[index].shape:
                raise ValueError(f"the optimiser's '{name}' of parameter {index} has another shape")
    optimizer.load_state_dict({"state": entries, "param_groups": state["groups"]})
