"""The table that ends a run, of ``metrics.json`` or of an evaluation. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole_ext.runner import Run

PARTS = {  # of metrics.json, as the table calls them
    "valid": "valid, seen kept",
    "valid_seen_masked": "seen masked",
    "test": "test, seen kept",
    "test_seen_masked": "seen masked",
    "test_ips": "test, IPS, seen kept",
    "test_ips_seen_masked": "seen masked",
}


def metrics_table(results: Mapping[str, Any]) -> str:
    """A row for each metric: both parts, both protocols, weighted ones where they are there."""
    from tabulate import tabulate

    columns = {part: title for part, title in PARTS.items() if part in results}
    rows = [[name, *(results[part].get(name) for part in columns)] for name in results["test"]]
    headers = ("metric", *columns.values())
    return tabulate(rows, headers=headers, floatfmt=".4f", missingval="-")


def tested_epoch(results: Mapping[str, Any]) -> str:
    """``best epoch 24 (of 0 to 36)``, or which one was tested where none was validated."""
    best, last = results["best_epoch"], results["epochs"] - 1
    return (
        f"best epoch {best} (of 0 to {last})" if best >= 0 else f"last epoch {last}, not validated"
    )


def print_run(finished: Run) -> None:
    """What ends a run on the terminal."""
    results = finished.metrics
    print(metrics_table(results))
    print(
        f"{tested_epoch(results)}, {results['seconds_per_epoch']:.2f} s an epoch, "
        f"{results['train_seconds']:.1f} s in all"
    )
    print(f"run folder: {finished.run_dir}")
