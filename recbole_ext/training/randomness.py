"""The random sources that training draws from: kept beside a checkpoint, and around other work."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

RANDOM = "random."


def random_tensors(loader: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of every random source that training draws from, the loader's own included."""
    tensors = {RANDOM + "torch": torch.get_rng_state()}
    if getattr(loader, "generator", None) is not None:  # RecBole's loaders shuffle by it
        tensors[RANDOM + "loader"] = loader.generator.get_state()
    if torch.cuda.is_initialized():  # a run on the CPU must not start the GPU
        for device, value in enumerate(torch.cuda.get_rng_state_all()):
            tensors[f"{RANDOM}cuda{device}"] = value
    kind, keys, place, has_gauss, gauss = np.random.get_state()
    numpy_state = [kind, np.asarray(keys).tolist(), place, has_gauss, gauss]
    return tensors, {"numpy": numpy_state, "python": random.getstate()}


def restore_random(loader: Any, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Undo :func:`random_tensors`; ``loader`` may be None, its own state is then left."""
    torch.set_rng_state(tensors[RANDOM + "torch"])
    if loader is not None and RANDOM + "loader" in tensors:
        loader.generator.set_state(tensors[RANDOM + "loader"])
    for device in range(torch.cuda.device_count()):
        if (key := f"{RANDOM}cuda{device}") in tensors:
            torch.cuda.set_rng_state(tensors[key], device)
    kind, keys, place, has_gauss, gauss = state["numpy"]
    np.random.set_state((kind, np.asarray(keys, dtype=np.uint32), place, has_gauss, gauss))
    version, internal, gauss_next = state["python"]
    random.setstate((version, tuple(internal), gauss_next))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Whatever the block seeds or draws, the random sources go on afterwards as if it had not."""
    tensors, state = random_tensors(None)
    try:
        yield
    finally:
        restore_random(None, tensors, state)
