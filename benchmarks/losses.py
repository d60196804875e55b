"""What a loss costs by itself: ``python -m benchmarks.losses``.

Forward and backward of one batch's loss, gradients of states and item table included: the full
cross-entropy (fused) against sampled softmax with logQ, negatives shared by the batch, its drawing
included. Losses take turns, so that a busy moment hits all alike; medians, and ratios to the full
one of the same run. An epoch also encodes and updates the table, which no sampler makes cheaper.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter

import torch
from tabulate import tabulate
from torch import Tensor

from benchmarks.arguments import positive
from benchmarks.machine import describe_machine
from recbole_ext.cores import usable_cores
from recbole_ext.nn.losses import linear_cross_entropy, product_dtype
from recbole_ext.nn.negatives import InBatch, NegativeSampler, Popularity, Source, Uniform
from recbole_ext.nn.sampled_losses import sampled_softmax, score, weighted_sum

SAMPLINGS = ("uniform", "popularity", "mixed")
FULL = "CE, all items"

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]  # states [P, d], table [V + 1, d], targets [P]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    args = parser().parse_args(argv)
    torch.set_num_threads(args.threads)
    machine, dtype = describe_machine(args.threads), product_dtype("auto", torch.empty(0))
    cores = f"{args.threads} of {machine['cores']} cores"
    print(f"{machine['cpu']}, {cores}, torch {torch.__version__}")
    for n_items in args.items:
        shape = f"{args.positions:,} positions of {args.hidden_size} numbers"
        print(f"\n{n_items:,} items, {shape}, products of the full one in {dtype}")
        timed = measure(n_items, args)
        print(tabulate(rows(timed), ("loss", "ms", "of the full one"), "github"))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks.losses", description=__doc__)
    add = found.add_argument
    add("--items", nargs="+", type=positive, default=[12_101, 57_289], help="default: %(default)s")
    add("--negatives", nargs="+", type=positive, default=[128, 512, 2048])
    add("--positions", type=positive, default=600, help="a batch's targets; default: %(default)s")
    add("--hidden_size", type=positive, default=64, help="default: %(default)s")
    add("--repeats", type=positive, default=30, help="of each loss; default: %(default)s")
    add("--threads", type=positive, default=usable_cores(), help="default: every core")
    return found


def measure(n_items: int, args: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each repeat by loss, the full one first."""
    torch.manual_seed(0)
    states = torch.randn(args.positions, args.hidden_size, requires_grad=True)
    table = (0.1 * torch.randn(n_items + 1, args.hidden_size)).requires_grad_()
    counts = long_tail(n_items)
    targets = torch.multinomial(counts.double(), args.positions, replacement=True)
    losses = {FULL: full} | {
        f"{sampling}, {n:,}": partial(sampled, sampler_of(sampling, n, counts))
        for n in args.negatives
        for sampling in SAMPLINGS
        if n < n_items
    }
    seconds: dict[str, list[float]] = {name: [] for name in losses}
    for turn in range(args.repeats + 3):  # three to warm up
        for name, loss in losses.items():
            states.grad = table.grad = None
            started = perf_counter()
            loss(states, table, targets).backward()
            if turn >= 3:
                seconds[name].append(perf_counter() - started)
    return seconds


def long_tail(n_items: int) -> Tensor:
    """[V + 1] how often each item is a target, after Zipf; PAD's is 0."""
    return torch.cat([torch.zeros(1), 1e4 / torch.arange(1, n_items + 1) ** 0.8]).ceil().long()


def full(states: Tensor, table: Tensor, targets: Tensor) -> Tensor:
    """The fused cross-entropy."""
    return linear_cross_entropy(states, table, targets, first_class=1)


def sampled(sampler: NegativeSampler, states: Tensor, table: Tensor, targets: Tensor) -> Tensor:
    """Draw, score, compare."""
    scores = score(states, table, targets, sampler(targets))
    return weighted_sum(sampled_softmax(scores, logq_correction=True), None)


def sampler_of(sampling: str, n: int, counts: Tensor) -> NegativeSampler:
    """As the key ``negative_sampling`` makes it."""
    n_items = len(counts) - 1
    sources: dict[str, list[tuple[Source, int]]] = {
        "uniform": [(Uniform(n_items), n)],
        "popularity": [(Popularity(counts, 1.0), n)],
        "mixed": [(InBatch(counts), n // 2), (Uniform(n_items), n - n // 2)],
    }
    return NegativeSampler(sources[sampling], shared=True)


def rows(seconds: dict[str, list[float]]) -> list[tuple[str, str, str]]:
    """Name, median in ms, ratio to the full one."""
    medians = {name: median(each) for name, each in seconds.items()}
    return [(name, f"{1e3 * t:.2f}", f"{t / medians[FULL]:.3f}") for name, t in medians.items()]


if __name__ == "__main__":
    main()
