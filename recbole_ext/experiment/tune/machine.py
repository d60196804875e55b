"""What the trials run on: this machine, or the Ray cluster that RAY_ADDRESS names."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from recbole_ext.cores import usable_cores
from recbole_ext.errors import ConfigError
from recbole_ext.experiment.ray_start import python_path, starting_ray

ADDRESS = "RAY_ADDRESS"
_OBJECTS = 80 * 2**20  # bytes; the smallest store that Ray starts with: trials pass numbers only

_TOKEN = "RAY_AUTH_TOKEN"
_OWN_TOKEN = secrets.token_hex(32)  # one a process: Ray reads it once
_SET_BY_RAY = ("RAY_AUTH_MODE",)

_RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends the sweep at once; it can be resumed
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}


@dataclass(frozen=True)
class Share:
    """What each trial gets.

    Attributes:
        workers: trials at once; None: as many as a cluster has room for.
        threads: CPU threads of each.
        gpus: GPUs of each, or a part of one.
    """

    workers: int | None
    threads: int
    gpus: float


def share(workers: int | None, threads: int | None, use_gpu: bool) -> Share:
    """Divide the machine; what is not said follows: all CPUs, a worker a GPU.

    Raises:
        ConfigError: a number below 1.
    """
    check_share(workers, threads)
    gpus = _n_gpus() if use_gpu else 0
    if os.environ.get(ADDRESS):
        return Share(workers, threads or 1, 1.0 if gpus else 0.0)
    cpus = usable_cores()
    if workers is None:
        workers = gpus or max(1, cpus // (threads or 1))
    threads = threads or max(1, cpus // workers)
    return Share(workers, threads, min(1.0, gpus / workers))


def check_share(workers: int | None, threads: int | None) -> None:
    """Raises ConfigError for a number below 1."""
    for name, number in (("--workers", workers), ("--threads", threads)):
        if number is not None and number < 1:
            raise ConfigError(f"{name}={number} must be at least 1")


def _n_gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


@contextmanager
def ray_running(divided: Share) -> Iterator[None]:
    """A Ray of our own, or the cluster of RAY_ADDRESS, for the block.

    Ray's session lies in a short-named temporary folder, since its sockets allow only short paths;
    it is removed with the block. A token of its own keeps other users of the machine out, and Ray
    from leaving one in the home folder. Workers import what this process imports.
    """
    place = tempfile.mkdtemp(prefix="rbx")
    cluster = bool(os.environ.get(ADDRESS))
    own = {} if cluster else {"RAY_TMPDIR": place, _TOKEN: os.environ.get(_TOKEN, _OWN_TOKEN)}
    with _environment({**_RAY_ENVIRONMENT, **own, "PYTHONPATH": python_path()}), _quiet():
        import ray

        try:
            with starting_ray():
                if cluster:
                    ray.init(log_to_driver=False, configure_logging=False)
                else:
                    _start(divided, place)
            yield
        finally:
            ray.shutdown()
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Ray's warnings: that Tune finds no results of its own, for one, which we keep."""
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _start(divided: Share, place: str) -> None:
    import ray

    assert divided.workers is not None
    ray.init(
        address="local",
        num_cpus=divided.workers * divided.threads,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=_OBJECTS,
        _temp_dir=place,
    )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the block; child processes inherit them."""
    before = {name: os.environ.get(name) for name in (*values, *_SET_BY_RAY)}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
