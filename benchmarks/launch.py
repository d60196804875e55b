"""Run one peer in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers.protocol import RankingTask, Task
from benchmarks.registry import Peer

ROOT = Path(__file__).resolve().parent.parent


def launch(
    peer: Peer, task: Task | RankingTask, threads: int, seconds: float | None = None
) -> dict[str, Any]:
    """The peer's figures, or ``{"error": <why there are none>}``.

    After ``seconds`` it is stopped, and that is the error. It works in an empty folder, so that
    no cache of an earlier run is found and nothing that it writes stays. This process must stay
    small: Linux counts the memory of a parent at its fork as the child's first peak.
    """
    if peer.python is None:
        return {"error": "no interpreter was named"}
    command = [peer.python, "-m", peer.module, json.dumps(asdict(task))]
    with TemporaryDirectory() as folder:
        try:
            ended = subprocess.run(
                command, cwd=folder, env=_environment(threads), capture_output=True, text=True,
                timeout=seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"error": f"stopped after {seconds:,.0f} s"}
        except OSError as error:
            return {"error": f"{type(error).__name__}: {error.strerror}"}
    return _answer(ended)


def _environment(threads: int) -> dict[str, str]:
    """Equal threads for all peers, no GPU, this checkout first on the path."""
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "CUDA_VISIBLE_DEVICES": "",
    }


def _answer(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    if ended.returncode != 0:
        print(ended.stderr, file=sys.stderr)
        return {"error": _last_line(ended.stderr) or f"exit status {ended.returncode}"}
    try:
        figures: dict[str, Any] = json.loads(_last_line(ended.stdout))
    except json.JSONDecodeError:
        return {"error": "its last line is not JSON"}
    return figures


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
