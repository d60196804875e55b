"""A catalogue of millions on one machine: ``python -m benchmarks.catalogue``.

Trains TokenizedSASRec on a synthetic store for some steps (sampled softmax, Adam) and ranks all
items for some users with their histories left out, by the library's own loader, model and top-k.
Prints the time of each part and the peak memory of the process. Items are drawn uniformly: what one
costs does not depend on how often it occurs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from recbole.utils import init_seed
from tabulate import tabulate

from benchmarks.arguments import positive
from benchmarks.machine import describe_machine
from benchmarks.peers.protocol import peak_rss_gb
from recbole_ext.config import ExtConfig
from recbole_ext.cores import usable_cores
from recbole_ext.data.batches import FieldNames, gather
from recbole_ext.data.dataset import FlatSequentialDataset
from recbole_ext.data.loaders import SequenceLoader
from recbole_ext.data.rows import held_out_rows
from recbole_ext.data.split import leave_one_out
from recbole_ext.data.store import SequenceStore
from recbole_ext.model.tokenized import TokenizedSASRec
from recbole_ext.training.optimizer import build_adam

HELD_OUT = 3  # interactions of a user beyond the inputs: the last target and two held out


class SyntheticDataset(FlatSequentialDataset):
    """All that loader and model ask of a data set, without files."""

    def __init__(self, store: SequenceStore, config: Any) -> None:
        self.store, self.config = store, config
        self.times = np.arange(len(store.items), dtype=np.float64)  # in the order of the store
        self.iid_field, self.uid_field = config["ITEM_ID_FIELD"], config["USER_ID_FIELD"]

    def num(self, field: str) -> int:
        """Ids of items or users, PAD included."""
        return self.store.n_items if field == self.iid_field else self.store.n_users


@dataclass(frozen=True)
class Figures:
    """Seconds of each part, and the peak memory after it in 10^9 bytes."""

    build: float
    step: float
    rank: float
    built_gb: float
    trained_gb: float
    ranked_gb: float


def main() -> None:
    """Measure and print."""
    args = parser().parse_args()
    torch.set_num_threads(args.threads)
    figures, model = measure(args)
    machine = describe_machine(args.threads)
    print(f"{machine['cpu']}, {args.threads} threads, load before {machine['load_before']}")
    print(tabulate(rows(args, figures, model), ("", ""), "github", disable_numparse=True))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks.catalogue", description=__doc__)
    add = found.add_argument
    add("--items", type=positive, default=10_000_000)
    add("--users", type=positive, default=30_000, help="with 50 inputs each")
    add("--steps", type=positive, default=200)
    add("--ranked", type=positive, default=1_000, help="users ranked")
    add("--at_once", type=positive, default=100, help="users ranked at once")
    add("--codes", choices=("random", "rq", "pq"), default="random")
    add("--n_codes", type=positive, default=4)
    add("--codebook_size", type=positive, default=256)
    add("--hidden_size", type=positive, default=64)
    add("--negatives", type=positive, default=1_024)
    add("--batch", type=positive, default=128, help="sequences of a step")
    add("--length", type=positive, default=50)
    add("--threads", type=positive, default=usable_cores())
    return found


def measure(args: argparse.Namespace) -> tuple[Figures, TokenizedSASRec]:
    """Build, train, rank."""
    config = settings(args)
    init_seed(0, True)
    dataset = SyntheticDataset(synthetic_store(args), config)
    start = perf_counter()
    model = TokenizedSASRec(config, dataset)
    build, built = perf_counter() - start, peak_rss_gb()
    step = train(model, dataset, config, args.steps)
    trained = peak_rss_gb()
    start = perf_counter()
    rank(model, dataset, config, args)
    return Figures(build, step, perf_counter() - start, built, trained, peak_rss_gb()), model


def settings(args: argparse.Namespace) -> ExtConfig:
    """The model's own keys; no data set is read."""
    keys = {
        "codes": args.codes, "n_codes": args.n_codes, "codebook_size": args.codebook_size,
        "hidden_size": args.hidden_size, "inner_size": args.hidden_size,
        "loss_type": "sampled_softmax", "n_negatives": args.negatives,
        "MAX_ITEM_LIST_LENGTH": args.length, "train_batch_size": args.batch, "use_gpu": False,
    }  # fmt: skip
    return ExtConfig("TokenizedSASRec", "synthetic", config_dict=keys)


def synthetic_store(args: argparse.Namespace) -> SequenceStore:
    """Users of one length; PAD owns nothing."""
    length = args.length + HELD_OUT
    items = np.random.default_rng(0).integers(1, args.items + 1, args.users * length)
    offsets = np.concatenate([[0], np.arange(args.users + 1) * length])
    return SequenceStore(items, offsets, args.items + 1)


def train(model: TokenizedSASRec, dataset: SyntheticDataset, config: Any, steps: int) -> float:
    """Median seconds a step, batches apart."""
    split = leave_one_out(dataset.store)
    batches = endless(SequenceLoader(config, dataset, split))
    optimizer = build_adam(config, model.parameters())
    model.train()
    seconds = []
    for batch in islice(batches, steps):
        start = perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model.calculate_loss(batch).backward()
        optimizer.step()
        seconds.append(perf_counter() - start)
    return median(seconds)


def endless(loader: SequenceLoader) -> Iterator[Interaction]:
    """Epoch after epoch."""
    while True:
        yield from loader


@torch.no_grad()
def rank(
    model: TokenizedSASRec, dataset: SyntheticDataset, config: Any, args: argparse.Namespace
) -> None:
    """The 10 best items of each user that he has not had, from his newest inputs."""
    model.eval()
    store = dataset.store
    places = leave_one_out(store).test[1 : args.ranked + 1]
    windows = held_out_rows(store, places, args.length)
    names = FieldNames.from_config(config)
    for start in range(0, len(windows), args.at_once):
        picked = np.arange(start, min(start + args.at_once, len(windows)))
        batch = gather(store, windows, picked, names)
        seen = batch[model.ITEM_SEQ]
        owner = torch.arange(len(picked)).repeat_interleave(seen.shape[1])
        model.top_items(batch, 10, (owner, seen.flatten()))


def rows(
    args: argparse.Namespace, figures: Figures, model: TokenizedSASRec
) -> list[tuple[str, str]]:
    """What is printed."""
    dense = args.items * args.hidden_size * 4 / 1e9
    codes = model.embedding.items.parts[0].codes
    assert isinstance(codes, torch.Tensor)
    trained = sum(parameter.numel() for parameter in model.parameters())
    return [
        ("items", f"{args.items:,}"),
        ("codes", f"{args.codes}, {args.n_codes} of {args.codebook_size}"),
        ("trained parameters", f"{trained:,}"),
        ("codes, memory", f"{codes.numel() * codes.element_size() / 1e9:.2f} GB"),
        ("a table of items instead", f"{dense:.2f} GB, with gradient and Adam {4 * dense:.2f} GB"),
        ("making the model", f"{figures.build:.1f} s, peak {figures.built_gb:.2f} GB"),
        (
            f"a step of {args.steps}",
            f"{1e3 * figures.step:.0f} ms ({args.batch} sequences of {args.length}, "
            f"{args.negatives:,} negatives), peak {figures.trained_gb:.2f} GB",
        ),
        (
            f"ranking {args.ranked:,} users",
            f"{figures.rank:.1f} s, {1e3 * figures.rank / args.ranked:.1f} ms a user, "
            f"peak {figures.ranked_gb:.2f} GB",
        ),
    ]


if __name__ == "__main__":
    main()
