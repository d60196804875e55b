"""Jobs in processes of their own, some at a time: here, or on the machines of a Ray cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Lock

from recbole_ext.cores import usable_cores
from recbole_ext.errors import ConfigError
from recbole_ext.experiment.one_job import Spec
from recbole_ext.experiment.ray_start import cluster_has_gpus, python_path, ray_running


class Processes:
    """Runs jobs, ``workers`` at a time. What a single one logs is shown, of several nothing."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._living: set[subprocess.Popen[str]] = set()
        self._lock = Lock()
        self._stopped = False

    def run(self, specs: Iterable[Spec]) -> Iterator[tuple[Spec, str | None]]:
        """Each job as it ends, with the reason if it failed.

        An interrupt ends those that run, and begins no other; all can be resumed.
        """
        with ThreadPoolExecutor(self._workers) as pool:
            running = {pool.submit(self._one, spec): spec for spec in specs}
            try:
                for done in as_completed(running):
                    yield running[done], done.result()
            except BaseException:
                self._stop()
                raise

    def _one(self, spec: Spec) -> str | None:
        with self._lock:
            if self._stopped:
                return "not begun"
            child = start(spec, quiet=self._workers > 1)
            self._living.add(child)
        try:
            return outcome(child)
        finally:
            with self._lock:
                self._living.discard(child)

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for child in self._living:
                child.terminate()  # what a shell puts behind ignores SIGINT, and so do its children


def start(spec: Spec, quiet: bool) -> subprocess.Popen[str]:
    """Start the process of a job; it lives as long as its standard input is open."""
    threads = str(spec.threads)
    own = {"PYTHONPATH": python_path(), "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    return subprocess.Popen(
        [sys.executable, "-m", "recbole_ext.experiment.one_job", spec.json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        env={**os.environ, **own},
    )


def outcome(child: subprocess.Popen[str]) -> str | None:
    """Wait for a job; None if it is done, else why it is not."""
    assert child.stdout is not None and child.stdin is not None
    said = child.stdout.read().strip().splitlines()
    code = child.wait()
    child.stdin.close()
    child.stdout.close()
    if code == 0:
        return None
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    try:
        return str(json.loads(said[-1]))
    except (IndexError, ValueError):
        return f"exit status {code}"


def run_on_ray(specs: list[Spec]) -> Iterator[tuple[Spec, str | None]]:
    """The same on Ray: the cluster of ``RAY_ADDRESS``, or one started here.

    Each job asks for its threads as CPUs, or for all of the largest machine, and for a GPU where
    the cluster has some. All machines must see the same files under the same paths.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ConfigError("--ray needs the package 'ray': pip install 'ray[tune]'") from error

    def finish(text: str) -> str | None:
        return outcome(start(Spec.of_json(text), quiet=True))

    with ray_running(usable_cores()):
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        largest = max(int(node.get("CPU", 1)) for node in nodes)
        gpus = int(cluster_has_gpus())
        remote = ray.remote(finish)
        pending = {}
        for spec in specs:
            room = remote.options(num_cpus=min(spec.threads, largest), num_gpus=gpus)
            pending[room.remote(spec.json())] = spec
        while pending:
            (done,), _ = ray.wait(list(pending))
            spec = pending.pop(done)
            try:
                yield spec, ray.get(done)
            except ray.exceptions.RayError as error:
                yield spec, f"{type(error).__name__}: {str(error).splitlines()[0]}"
