"""Where duality can work, and what it does to item embeddings and quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.analysis.coverage import by_decile, training_users
from recbole_ext.analysis.embeddings import (
    Matrix,
    chance,
    effective_rank,
    item_vectors,
    stability,
)
from recbole_ext.config.keys import CIRCUMSTANCES
from recbole_ext.errors import CheckpointError
from recbole_ext.run_folders import loaded

if TYPE_CHECKING:
    from recbole_ext.runner import Run

METRICS = ("Hit@10", "NDCG@10")
PARTS = ("test", "test_seen_masked")


@dataclass(frozen=True)
class Found:
    """What is read of a finished run.

    Attributes:
        name: of the run in the report.
        settings: those that make it the same experiment as another.
        metrics: of ``metrics.json``.
        embeddings: [n_items, d], without PAD.
        deciles: of its data set's items by popularity.
    """

    name: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]
    embeddings: Matrix
    deciles: tuple[Mapping[str, Any], ...]

    @property
    def data(self) -> str:
        """Tells data sets apart, turned round ones too."""
        digest: str = self.metrics["data"]["sha256"]
        return digest


def read(path: str | Path, data_path: str | None = None) -> Found:
    """A run folder, its data in ``data_path`` if they have moved.

    Raises:
        CheckpointError: none, unfinished, or without item embeddings.
    """
    run = loaded(path, data_path)
    if not run.metrics:
        raise CheckpointError(f"{path} has not finished; go on with: recbole_ext resume {path}")
    settings = {k: v for k, v in run.config.resolved().items() if k not in CIRCUMSTANCES}
    deciles = by_decile(*training_users(run.dataset.store, run.loaders.split))
    name = "/".join(Path(path).resolve().parts[-2:])
    return Found(name, settings, run.metrics, _items(run), tuple(map(asdict, deciles)))


def _items(run: Run) -> Matrix:
    """[n_items, d] vectors that the items of a run are scored with, PAD left out."""
    table = item_vectors(run.model)
    if table is None:
        raise CheckpointError(f"{run.run_dir}: {run.config['model']} has no item embeddings")
    return table[1 : run.dataset.store.n_items]


def report(runs: Sequence[Found]) -> dict[str, Any]:
    """As plain values: ``coverage``, ``runs``, ``stability`` of pairs of seeds.

    Coverage is of each data set and of each part of it that is trained on.
    """
    covered = {
        (run.data, *map(run.settings.get, ("holdout", "split_protocol"))): {
            "run": run.name,
            "dataset": run.metrics["dataset"],
            "deciles": run.deciles,
        }
        for run in reversed(runs)
    }
    return {
        "coverage": list(covered.values()),
        "runs": [_line(run) for run in runs],
        "stability": list(_pairs(runs)),
    }


def _line(run: Found) -> dict[str, Any]:
    return {
        "run": run.name,
        "model": run.metrics["model"],
        "seed": run.metrics["seed"],
        "task": run.settings.get("task"),
        "dual_weight": run.settings.get("dual_weight"),
        "data": run.data,
        "hidden_size": run.embeddings.shape[1],
        "effective_rank": effective_rank(run.embeddings),
        **{part: {metric: run.metrics[part].get(metric) for metric in METRICS} for part in PARTS},
    }


def _pairs(runs: Sequence[Found]) -> Iterator[dict[str, Any]]:
    """Every two runs of one experiment with different seeds."""
    for one, other in combinations(runs, 2):
        same = one.settings == other.settings and one.data == other.data
        if same and one.metrics["seed"] != other.metrics["seed"]:
            yield {
                "runs": [one.name, other.name],
                "stability": stability(one.embeddings, other.embeddings),
                "chance": chance(one.embeddings, other.embeddings),
            }
