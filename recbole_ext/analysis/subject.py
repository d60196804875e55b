"""One run under analysis: what it is called and what has been found of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_ext.analysis.blocks import Blocks
from recbole_ext.analysis.labels import distinct

if TYPE_CHECKING:
    from recbole_ext.runner import Run


@dataclass(frozen=True)
class Subject:
    """A run's attention.

    Attributes:
        label: what a figure calls it.
        model, dataset: names.
        blocks: what :func:`recbole_ext.analysis.blocks.collect` found.
    """

    label: str
    model: str
    dataset: str
    blocks: Blocks

    @property
    def described(self) -> dict[str, Any]:
        """What every JSON says of a run."""
        names = {"run": self.label, "model": self.model, "dataset": self.dataset}
        return {**names, "users": self.blocks.users}


def labels_of(runs: Sequence[Run]) -> list[str]:
    """By model, by model and data set, by the run folder's name."""
    models = [run.config["model"] for run in runs]
    with_data = [f"{run.config['model']}, {run.config['dataset']}" for run in runs]
    folders = [run.run_dir.name for run in runs]
    numbered = [f"{folder} ({place})" for place, folder in enumerate(folders, start=1)]
    return distinct([models, with_data, folders, numbered])


def mean(values: Any) -> float | None:
    """The mean of those that are numbers, to 6 digits; None where none is."""
    array = np.asarray(values, dtype=np.float64)
    real = array[~np.isnan(array)]
    return rounded(float(real.mean())) if real.size else None


def rounded(value: float, digits: int = 6) -> float:
    """To so many significant digits: what a figure shows and its JSON holds is the same."""
    return float(f"{value:.{digits}g}")


def nested(matrix: Any, digits: int = 4) -> list[Any]:
    """An array as lists of rounded numbers."""
    return np.round(np.asarray(matrix, dtype=np.float64), digits).tolist()  # type: ignore[no-any-return]
