"""The item vectors of a model: learned ones, features, vectors made elsewhere."""

from __future__ import annotations

from logging import getLogger
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from recbole_ext.data.item_columns import ItemColumn
from recbole_ext.data.item_inputs import read_item_inputs
from recbole_ext.nn.embedding import ItemEncoder, ItemPart
from recbole_ext.nn.embedding.padding import PAD
from recbole_ext.nn.embedding.parts import NumberPart, TokenPart, VectorPart


def build_item_encoder(config: Any, dataset: Any, n_rows: int, size: int) -> ItemEncoder:
    """From ids to vectors of width ``size``, as the keys say.

    Args:
        n_rows: items, PAD included, and whatever ids come after them ([MASK]).

    Raises:
        DataError: a feature or a file of vectors that is missing or malformed.
    """
    return ItemEncoder(
        n_rows,
        size,
        _parts(config, dataset, n_rows, size),
        concat=config["feature_combination"] == "concat",
        learned_ids=config["item_id_embedding"],
        parts_in_scores=config["score_with_features"],
        learned_padding=config["padding_row"] == "learned",
        n_apart=n_rows - dataset.num(config["ITEM_ID_FIELD"]),
    )


def _parts(config: Any, dataset: Any, n_rows: int, size: int) -> list[ItemPart]:
    inputs = read_item_inputs(config, dataset)
    parts = [_feature(column, n_rows, size) for column in inputs.columns]
    if inputs.vectors is not None:
        _log_coverage(config["pretrained_items"], inputs.vectors)
        vectors = with_rows(inputs.vectors, n_rows)
        parts.append(VectorPart(vectors, size, config["pretrained_frozen"]))
    return parts


def _feature(column: ItemColumn, n_rows: int, size: int) -> ItemPart:
    values = with_rows(column.values, n_rows)
    if column.n_values is None:
        return NumberPart(values, size)
    return TokenPart(values, column.n_values, size)


def with_rows(values: Tensor, n_rows: int) -> Tensor:
    """Values [n, m] -> [n_rows, m]: nothing is known of the ids after the items."""
    return F.pad(values, (0, 0, 0, n_rows - len(values)))


def _log_coverage(path: str, vectors: Tensor) -> None:
    known = int(vectors[PAD + 1 :].any(1).sum())
    items = len(vectors) - 1
    getLogger("recbole_ext").info(
        "%s: %s of %s items have a vector (width %d), %s get zeros",
        path, f"{known:,}", f"{items:,}", vectors.shape[1], f"{items - known:,}",
    )  # fmt: skip
