"""What each trial gets of this machine, or of the Ray cluster that RAY_ADDRESS names."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import ceil

from recbole_ext.cores import share_of_cores, usable_cores
from recbole_ext.errors import ConfigError
from recbole_ext.experiment.ray_start import ADDRESS, cluster_has_gpus


@dataclass(frozen=True)
class Share:
    """What each trial gets.

    Attributes:
        workers: trials at once; None: as many as a cluster has room for.
        threads: CPU threads of each.
        gpus: GPUs of each, or a part of one; what a cluster has is known once it is joined.
    """

    workers: int | None
    threads: int
    gpus: float

    @property
    def cpus(self) -> int:
        """Of all trials at once, on a machine of our own."""
        return (self.workers or 1) * self.threads


def share(workers: int | None, threads: int | None, use_gpu: bool) -> Share:
    """Divide the machine; what is not said follows: all CPUs, a worker a GPU.

    Raises:
        ConfigError: a number below 1.
    """
    check_share(workers, threads)
    if os.environ.get(ADDRESS):
        return Share(workers, threads or 1, 0.0)
    gpus = _n_gpus() if use_gpu else 0
    if workers is None:
        workers = gpus or max(1, usable_cores() // (threads or 1))
    # A trial is on one GPU: 3 workers on 2 GPUs get a half each, since of two thirds none has two.
    part = 1 / ceil(workers / gpus) if gpus else 0.0
    return Share(workers, threads or share_of_cores(workers), part)


def joined(divided: Share, use_gpu: bool) -> Share:
    """The share now that Ray runs: of a cluster with GPUs each trial has one."""
    if not os.environ.get(ADDRESS):
        return divided
    return replace(divided, gpus=1.0 if use_gpu and cluster_has_gpus() else 0.0)


def check_share(workers: int | None, threads: int | None) -> None:
    """Raises ConfigError for a number below 1."""
    for name, number in (("--workers", workers), ("--threads", threads)):
        if number is not None and number < 1:
            raise ConfigError(f"{name}={number} must be at least 1")


def _n_gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
