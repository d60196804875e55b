"""What the benchmark tells a peer and what the peer answers.

Only the standard library is needed here: a peer may live in a Python environment of its own.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, TypeVar

# ru_maxrss counts kibibytes, but bytes on macOS.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Task:
    """What a peer is to measure.

    Attributes:
        data_path, dataset: the file is ``<data_path>/<dataset>/<dataset>.inter``.
        max_length: the longest input sequence.
        epochs: whole epochs to time after one that warms up (peers that can afford it).
        batches: batches to time after one that warms up (peers that cannot).
        batches_as_shipped: the same for RecBole with anomaly detection on.
        args: the peer's own settings, from the registry.
    """

    data_path: str
    dataset: str
    max_length: int
    epochs: int
    batches: int
    batches_as_shipped: int
    args: dict[str, Any]


@dataclass(frozen=True)
class Figures:
    """What a peer has measured.

    Attributes:
        seconds_per_epoch: of training alone, without validation.
        targets_per_epoch: items whose prediction is trained in an epoch.
        preparation_seconds: from the atomic file to the first batch, imports excluded.
        parameters: trainable numbers of the model.
        measured: how ``seconds_per_epoch`` came about, in words.
        data: users, items, interactions.
        settings: what a reader must know to judge the figures.
        threads: of the process's matrix products.
        versions: of the packages that matter.
    """

    seconds_per_epoch: float
    targets_per_epoch: int
    preparation_seconds: float
    parameters: int
    measured: str
    data: dict[str, int]
    settings: dict[str, Any]
    threads: int
    versions: dict[str, str]


@dataclass(frozen=True)
class RankingTask:
    """What a peer is to rank, of ``Task``'s data.

    Attributes:
        data_path, dataset, max_length, args: as in :class:`Task`.
        passes: how often to rank everything; the median is the figure.
        batches, rows, items: how many score matrices to draw, and their shape (PAD not counted).
    """

    data_path: str
    dataset: str
    max_length: int
    passes: int
    batches: int
    rows: int
    items: int
    args: dict[str, Any]


@dataclass(frozen=True)
class RankingFigures:
    """What a peer has measured.

    Attributes:
        seconds: the median pass.
        every_pass: seconds of each, in their order.
        users: ranked in a pass.
        metrics: what came out, as the peer prints it.
        data: sizes of what was ranked.
        settings, threads, versions: as in :class:`Figures`.
    """

    seconds: float
    every_pass: list[float]
    users: int
    metrics: dict[str, float]
    data: dict[str, int]
    settings: dict[str, Any]
    threads: int
    versions: dict[str, str]


T = TypeVar("T", Task, RankingTask)


def read_task(kind: type[T] = Task) -> T:  # type: ignore[assignment]
    """The task on the command line, taken off it: RecBole's Config parses ``sys.argv``."""
    task = kind(**json.loads(sys.argv[1]))
    del sys.argv[1:]
    return task


def answer(figures: Figures | RankingFigures) -> None:
    """Print the figures and the process's peak memory so far: the peer's last line."""
    print(json.dumps(asdict(figures) | {"peak_rss_gb": peak_rss_gb()}), flush=True)


def peak_rss_gb() -> float:
    """Most physical memory that this process ever held, in 10^9 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT / 1e9


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions."""
    return {package: version(package) for package in packages}
