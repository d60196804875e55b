"""The device that ``gpu_id`` names."""

from __future__ import annotations

import torch

from recbole_ext.errors import ConfigError, show


def device_of(gpu_id: str, origin: str) -> torch.device:
    """The first of the GPUs that are named, the CPU where none is or there is none.

    GPUs are counted among the visible ones. RecBole makes the named one the only visible one
    instead (``CUDA_VISIBLE_DEVICES``), for the whole process: a second run of it would compute on
    the first one's GPU, and all workers of a sweep on one.

    Args:
        gpu_id: ``"1"``, ``"1,2"``; empty: none.
        origin: where it was given, for the error.

    Raises:
        ConfigError: no numbers, or the machine has fewer GPUs.
    """
    numbers = [word.strip() for word in gpu_id.split(",")] if gpu_id else []
    if not all(word.isdecimal() for word in numbers):
        raise ConfigError(
            f"gpu_id: {show(gpu_id)} (from {origin}) must be numbers of visible GPUs, such as 0"
        )
    if not numbers or not torch.cuda.is_available():
        return torch.device("cpu")
    first, there = int(numbers[0]), torch.cuda.device_count()
    if first >= there:
        raise ConfigError(
            f"gpu_id: {show(gpu_id)} (from {origin}): GPUs are counted from 0 among the visible "
            f"ones, and {there} of them {'is' if there == 1 else 'are'} visible"
        )
    return torch.device("cuda", first) if first else torch.device("cuda")
