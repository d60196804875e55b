"""Ray for a block: the cluster that RAY_ADDRESS names, or one of our own on this machine."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from recbole_ext.errors import ConfigError

ADDRESS = "RAY_ADDRESS"

_PACKAGES = Path(__file__).resolve().parents[2]
_OBJECTS = 80 * 2**20  # bytes; the smallest store that Ray starts with: only numbers are passed
_TOKEN = "RAY_AUTH_TOKEN"
_OWN_TOKEN = secrets.token_hex(32)  # one a process: Ray reads it once
_SET_BY_RAY = ("RAY_AUTH_MODE",)
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends the sweep at once; it can be resumed
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}


def python_path() -> str:
    """``PYTHONPATH`` of a child process: this library's place before whatever else is on it."""
    return os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))


@contextmanager
def ray_running(cpus: int) -> Iterator[None]:
    """A Ray of our own with ``cpus``, or the cluster of RAY_ADDRESS, for the block.

    Ray's session lies in a short-named temporary folder, since its sockets allow only short paths;
    it is removed with the block. A token of its own keeps other users of the machine out, and Ray
    from leaving one in the home folder. Workers import what this process imports.

    Raises:
        ConfigError: Ray does not start.
    """
    place = tempfile.mkdtemp(prefix="rbx")
    cluster = bool(os.environ.get(ADDRESS))
    own = {} if cluster else {"RAY_TMPDIR": place, _TOKEN: os.environ.get(_TOKEN, _OWN_TOKEN)}
    with _environment({**_ENVIRONMENT, **own, "PYTHONPATH": python_path()}), _quiet():
        import ray

        try:
            with _starting(), _own_sigterm():
                _join() if cluster else _start(cpus, place)
            yield
        finally:
            ray.shutdown()
            shutil.rmtree(place, ignore_errors=True)


def cluster_has_gpus() -> bool:
    """Whether some machine of the running Ray has a GPU, whatever this one has."""
    import ray

    return bool(ray.cluster_resources().get("GPU"))


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Where SIGTERM has a handler, keep it from Ray, which sets its own."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if callable(before) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _join() -> None:
    import ray

    environment = {"env_vars": {"PYTHONPATH": python_path()}}
    ray.init(log_to_driver=False, configure_logging=False, runtime_env=environment)


def _start(cpus: int, place: str) -> None:
    import ray

    ray.init(
        address="local",
        num_cpus=cpus,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=_OBJECTS,
        _temp_dir=place,
    )


@contextmanager
def _starting() -> Iterator[None]:
    """Around ``ray.init``, which on some machines fails or stalls. Raises ConfigError then."""
    try:
        yield
    except Exception as error:  # Ray raises many kinds, a bare Exception where a node times out
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"Ray did not start: {reason[:300]} (RAY_ADDRESS names a cluster; without it one is "
            "started on this machine)"
        ) from error


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
