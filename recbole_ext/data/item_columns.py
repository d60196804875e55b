"""Columns of the ``.item`` file as arrays by item id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from recbole.utils import FeatureType
from torch import Tensor

from recbole_ext.errors import DataError, nearest, show


@dataclass(frozen=True)
class ItemColumn:
    """One column.

    Attributes:
        name: of the column.
        values: [n_items, m], row 0 is PAD's. int64 ids of tokens, 0 for none (``token`` has m = 1);
            or float32 numbers, standardised over the items that have one, 0 for none (``float``
            has m = 1).
        n_values: how many ids of tokens there are, 0 included; None for numbers.
    """

    name: str
    values: Tensor
    n_values: int | None


def item_columns(dataset: Any, names: Sequence[str]) -> list[ItemColumn]:
    """These columns of a RecBole data set's items.

    Raises:
        DataError: a column that is not there, or in which no item has a value.
    """
    return [_column(dataset, name) for name in names]


def _column(dataset: Any, name: str) -> ItemColumn:
    table = dataset.item_feat
    loaded = [] if table is None else [c for c in table.columns if c != dataset.iid_field]
    if name not in loaded:
        raise DataError(absent_column("item_features", dataset.dataset_name, name, loaded))
    values = table[name]
    values = values.unsqueeze(1) if values.dim() == 1 else values
    kind = dataset.field2type[name]
    numbers = kind in (FeatureType.FLOAT, FeatureType.FLOAT_SEQ)
    if numbers:
        values = standardised(values, values[:1] if kind == FeatureType.FLOAT else None)
    if not values.any():
        what = "two different values" if numbers else "a value"
        raise DataError(
            f"item_features: column {show(name)} of {dataset.dataset_name}.item does not have "
            f"{what} for the items of the interactions"
        )
    return ItemColumn(name, values, None if numbers else dataset.num(name))


def absent_column(key: str, dataset: str, name: str, loaded: Sequence[str]) -> str:
    """The line for a column that ``key`` names and that is not among the loaded ones."""
    has = f"there are {', '.join(loaded)}" if loaded else "none of its columns is loaded"
    near = nearest(name, loaded)
    return f"{key}: no column {show(name)} loaded from {dataset}.item; {has}{near}"


def standardised(values: Tensor, filled: Tensor | None = None) -> Tensor:
    """Numbers [n, m] to mean 0 and standard deviation 1 in each column, over the known ones.

    Row 0 is PAD's. RecBole leaves no gap: a missing number is the mean, as PAD's is (``filled``,
    [1, 1]), and a missing list is all zeros. Missing numbers become 0, and so does a column in
    which all known ones are equal. (A known number that is the mean would be 0 anyway.)
    """
    numbers = values.double()
    known = (numbers != 0).any(1, keepdim=True) if filled is None else values != filled
    known = (known & numbers.isfinite()).double()
    known[0] = 0.0
    count = known.sum(0).clamp(min=1.0)
    numbers = torch.where(known > 0, numbers, 0.0)
    mean = numbers.sum(0) / count
    centred = (numbers - mean) * known
    deviation = (centred.square().sum(0) / count).sqrt()
    # float32 numbers that are all the same may differ from their mean in the last place.
    spread = deviation > 1e-6 * mean.abs()
    return torch.where(spread, centred / deviation, 0.0).float()
