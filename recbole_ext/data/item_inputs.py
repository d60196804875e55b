"""All that a model is told of items beside their ids, as its keys ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from recbole_ext.data.item_columns import ItemColumn, item_columns
from recbole_ext.data.item_vectors import read_vectors


@dataclass(frozen=True)
class ItemInputs:
    """Columns of the ``.item`` file, and vectors [n_items, v] from a file or None."""

    columns: list[ItemColumn]
    vectors: Tensor | None


def read_item_inputs(config: Any, dataset: Any) -> ItemInputs:
    """What ``item_features`` and ``pretrained_items`` name; nothing for models without such keys.

    Raises:
        DataError: a column or a file that is missing or malformed.
    """
    columns = item_columns(dataset, config["item_features"] or [])
    if not config["pretrained_items"]:
        return ItemInputs(columns, None)
    item = dataset.iid_field
    vectors = read_vectors(Path(config["pretrained_items"]), item).by_id(
        dataset.field2token_id[item], dataset.num(item), config["pretrained_unknown"] == "skip"
    )
    return ItemInputs(columns, vectors)
