"""Where a training step's time goes: ``python -m benchmarks.step_profile --dataset beauty-5core``.

Trains some batches under torch's profiler and prints the share of each kind of operation, the
floating-point work of the matrix products, and what the machine reaches on large products of the
same types: the bound that a step could approach.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from tabulate import tabulate
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from recbole_ext.config import ExtConfig
from recbole_ext.data.loading import load_data
from recbole_ext.nn.losses import has_fast_bfloat16
from recbole_ext.runner import assemble
from recbole_ext.training.run_folder import RunFolder

# The first kind whose words occur in an operation's name takes its time.
KINDS = {
    "matrix products": ("mm", "linear", "matmul", "dot"),
    "softmax, logsumexp": ("softmax", "logsumexp"),
    "optimiser": ("adam", "_foreach", "clip_grad"),
    "random numbers": ("random", "bernoulli", "dropout", "normal_", "uniform_"),
    "LayerNorm": ("layer_norm",),
    "lookup and scatter": ("embedding", "index", "gather", "scatter", "nonzero", "take"),
    "copies, casts, zeros": ("copy_", "to", "zero_", "fill_", "cat", "clone", "empty", "resize"),
}
OTHER = "elementwise and the rest"


def main() -> None:
    """Measure and print."""
    args = parser().parse_args()
    step, batches = training_step(args)
    for batch in islice(batches, args.warm_up):
        step(batch)
    measured = list(islice(batches, args.batches))
    seconds = timed(lambda: [step(batch) for batch in measured]) / len(measured)
    flops = matrix_flops(step, measured[0])
    print(f"{args.model} on {args.dataset}: {1e3 * seconds:.1f} ms a step, the loader apart")
    print(tabulate(shares(step, measured), ("kind", "share of the CPU time"), "github"))
    peak = {str(dtype).removeprefix("torch."): peak_flops(dtype) for dtype in multiplied_here()}
    print(f"matrix work: {flops / 1e9:.2f} GFLOP a step, {flops / seconds / 1e9:.0f} GFLOP/s")
    for name, most in peak.items():
        print(f"large {name} products: {most / 1e9:.0f} GFLOP/s; a step of them alone would take "
              f"{1e3 * flops / most:.1f} ms, {flops / most / seconds:.0%} of the step")  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks.step_profile", description=__doc__)
    add = found.add_argument
    add("--model", default="FPARec")
    add("--dataset", default="beauty-5core")
    add("--data_path", default="dataset")
    add("--max_length", type=int, default=50)
    add("--warm_up", type=int, default=10, help="batches before the measurement")
    add("--batches", type=int, default=40, help="batches measured")
    return found


def training_step(args: argparse.Namespace) -> tuple[Callable[[Any], Any], Any]:
    """One update as the trainer makes it, and the batches of an epoch."""
    keys = {
        "data_path": args.data_path, "MAX_ITEM_LIST_LENGTH": args.max_length, "use_gpu": False,
        "hidden_size": 64, "inner_size": 64,
    }  # fmt: skip
    config = ExtConfig(args.model, args.dataset, config_dict=keys)
    with TemporaryDirectory() as folder:
        run = assemble(config, load_data(config), RunFolder(Path(folder)))
        run.trainer.tensorboard.close()
    model: Any = run.model.train()
    return lambda batch: run.trainer._step(model.calculate_loss, batch), iter(run.loaders.train)


def timed(action: Callable[[], Any]) -> float:
    """Seconds that ``action`` takes."""
    started = perf_counter()
    action()
    return perf_counter() - started


def shares(step: Callable[[Any], Any], batches: list[Any]) -> list[tuple[str, str]]:
    """Share of the operations' own CPU time by kind, the largest first."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for batch in batches:
            step(batch)
    spent: dict[str, float] = defaultdict(float)
    for event in profiler.key_averages():
        spent[kind_of(event.key)] += event.self_cpu_time_total
    total = sum(spent.values())
    return [(k, f"{t / total:.0%}") for k, t in sorted(spent.items(), key=lambda item: -item[1])]


def kind_of(operation: str) -> str:
    """The kind of an operation by its name, such as ``aten::bmm``."""
    name = operation.removeprefix("aten::").lower()
    for kind, words in KINDS.items():
        if any(name == word if word == "to" else word in name for word in words):
            return kind
    return OTHER


def matrix_flops(step: Callable[[Any], Any], batch: Any) -> int:
    """Floating-point operations of the matrix products of one update."""
    with FlopCounterMode(display=False) as counter:
        step(batch)
    return int(counter.get_total_flops())


def multiplied_here() -> list[torch.dtype]:
    """What this machine multiplies in hardware; without it bfloat16 products take minutes."""
    fast = has_fast_bfloat16(torch.device("cpu"))
    return [torch.bfloat16, torch.float32] if fast else [torch.float32]


def peak_flops(dtype: torch.dtype, size: int = 2048, repeats: int = 8) -> float:
    """What large square products of ``dtype`` reach on this machine, per second."""
    left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
    left @ right
    best = min(timed(lambda: left @ right) for _ in range(repeats))
    return 2 * size**3 / best


if __name__ == "__main__":
    main()
