"""From the atomic file to the first batch: ``python -m benchmarks.ingestion``.

Makes a synthetic ``.inter`` file in a temporary folder (item popularity by Zipf's law, random
times), then times in a process of its own how long a model's first training batch takes to come,
and the most memory that process ever held. Imports are not counted in the time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from benchmarks.launch import launch
from benchmarks.machine import describe_machine
from benchmarks.peers.protocol import Figures, Task, answer, read_task, versions_of
from benchmarks.registry import Peer

NAME = "synthetic"
HEADER = "user_id:token\titem_id:token\ttimestamp:float\n"
ROWS = 1_000_000  # made at once
FIRST_SECOND, SECONDS = 789_652_009, 637_876_496  # twenty years, as MovieLens 20M spans
HEADERS = ("peer", "interactions", "read, s", "first batch, s", "CPU, s", "peak GB")
PEERS = {
    "recbole_ext": Peer("recbole_ext, FPARec", "benchmarks.ingestion", {"model": "FPARec"}),
    "builtin": Peer("recbole_ext, SASRec", "benchmarks.ingestion", {"model": "SASRec"}),
    "recbole": Peer("RecBole, SASRec", "benchmarks.ingestion", {"model": "RecBole"}),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the chosen peers and print a table; returns the exit code."""
    args = _parser().parse_args(argv)
    machine = describe_machine(args.threads)
    with TemporaryDirectory() as folder:
        path = Path(folder) / NAME / f"{NAME}.inter"
        started = perf_counter()
        write(path, args.interactions, args.users, args.items, args.seed)
        size = path.stat().st_size / 1e9
        print(f"{path.name}: {size:.2f} GB made in {perf_counter() - started:.0f} s", flush=True)
        task = Task(folder, NAME, args.max_length, 0, 0, 0, {})
        rows = [_row(key, task, args) for key in args.peers]
    print(tabulate(rows, HEADERS, "github", floatfmt=".2f"))
    print(f"{machine['cpu']}, {args.threads} threads, load before {machine['load_before']}")
    return int(any(len(row) < len(HEADERS) for row in rows))


def write(path: Path, interactions: int, users: int, items: int, seed: int = 0) -> None:
    """A synthetic atomic file; every user and item appears once at least, if there is room."""
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="ascii") as file:
        file.write(HEADER)
        for columns in _blocks(interactions, users, items, np.random.default_rng(seed)):
            pd.DataFrame(columns).to_csv(file, sep="\t", header=False, index=False)


def _blocks(
    interactions: int, users: int, items: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Rows of (user, item, second), some at a time."""
    popularity = np.cumsum(1 / np.arange(1, items + 1))
    names = rng.permutation(items) + 1
    for start in range(0, interactions, ROWS):
        rows = np.arange(start, min(start + ROWS, interactions))
        drawn = np.searchsorted(popularity, rng.random(len(rows)) * popularity[-1], side="right")
        drawn = np.where(rows < items, rows % items, np.minimum(drawn, items - 1))
        who = np.where(rows < users, rows, rng.integers(users, size=len(rows)))
        when = FIRST_SECOND + rng.integers(SECONDS, size=len(rows))
        yield np.column_stack([who + 1, names[drawn], when])


def _row(key: str, task: Task, args: argparse.Namespace) -> list[Any]:
    task = Task(**{**vars(task), "args": PEERS[key].args})
    figures = launch(PEERS[key], task, args.threads)
    if "error" in figures:
        return [PEERS[key].title, f"failed: {figures['error']}"]
    settings = figures["settings"]
    return [
        PEERS[key].title,
        figures["data"]["interactions"],
        settings["read_seconds"],
        figures["preparation_seconds"],
        settings["cpu_seconds"],
        figures["peak_rss_gb"],
    ]


def measure(task: Task) -> Figures:
    """What the child does."""
    prepare = _stock if task.args["model"] == "RecBole" else _ours
    wall, cpu, read, data = prepare(task)
    return Figures(
        seconds_per_epoch=0.0,
        targets_per_epoch=0,
        preparation_seconds=wall,
        parameters=0,
        measured="once",
        data=data,
        settings={"read_seconds": read, "cpu_seconds": cpu},
        threads=1,
        versions=versions_of(["recbole", "torch", "numpy", "pandas"]),
    )


def _ours(task: Task) -> tuple[float, float, float, dict[str, int]]:
    from recbole_ext.config import ExtConfig
    from recbole_ext.data.loaders import build_loaders
    from recbole_ext.data.loading import load_data
    from recbole_ext.model.base import NextItemRecommender

    keys = {"data_path": task.data_path, "MAX_ITEM_LIST_LENGTH": task.max_length, "use_gpu": False}
    config = ExtConfig(task.args["model"], task.dataset, config_dict=keys)
    started, cpu = perf_counter(), process_time()
    flat = load_data(config)
    read = perf_counter() - started
    own = issubclass(config.model_class, NextItemRecommender)
    loaders = build_loaders(config, flat, own)
    next(iter(loaders.train))
    wall, cpu = perf_counter() - started, process_time() - cpu
    store = flat.store
    sizes = {"users": store.n_users - 1, "items": store.n_items - 1}
    return wall, cpu, read, sizes | {"interactions": len(store.items)}


def _stock(task: Task) -> tuple[float, float, float, dict[str, int]]:
    from benchmarks.peers import recbole_sasrec

    quiet = Task(**{**vars(task), "args": {"as_shipped": False}})
    config = recbole_sasrec.configure(quiet)
    started, cpu = perf_counter(), process_time()
    train, sizes = recbole_sasrec.prepare(config)
    read = perf_counter() - started
    next(iter(train))
    return perf_counter() - started, process_time() - cpu, read, sizes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingestion", description=__doc__)
    add = parser.add_argument
    add("--interactions", type=int, default=20_000_000)
    add("--users", type=int, default=138_000)
    add("--items", type=int, default=27_000)
    add("--max_length", type=int, default=200, help="of the model's input")
    add("--peers", nargs="+", choices=PEERS, default=["recbole_ext"], metavar="PEER",
        help=f"of {', '.join(PEERS)}; default: recbole_ext")  # fmt: skip
    add("--threads", type=int, default=1)
    add("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].startswith("{"):  # a child; see launch()
        answer(measure(read_task()))
    else:
        sys.exit(main())
