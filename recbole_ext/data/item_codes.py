"""The codes of items: quantised from the training interactions, random, or attributes."""

from __future__ import annotations

from dataclasses import dataclass
from logging import getLogger
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.data.attribute_codes import attribute_codes
from recbole_ext.data.item_columns import item_columns
from recbole_ext.data.item_svd import item_vectors
from recbole_ext.data.quantisation import product_codes, residual_codes
from recbole_ext.data.row_numbers import row_numbers
from recbole_ext.data.store import IntArray
from recbole_ext.data.training_interactions import training_interactions
from recbole_ext.nn.codes import smallest_dtype
from recbole_ext.nn.embedding.padding import PAD

_QUANTISERS = {"rq": residual_codes, "pq": product_codes}


@dataclass(frozen=True)
class ItemCodes:
    """Codes [n_items, M] below ``size`` (K), in the narrowest dtype; PAD's row is 0."""

    values: Tensor
    size: int

    @property
    def distinct(self) -> int:
        """Items that differ in a code from all before them; the others tie with one of these."""
        return int(row_numbers(self.values[PAD + 1 :].numpy()).max()) + 1


def item_codes(config: Any, dataset: Any) -> ItemCodes:
    """As ``codes``, ``n_codes`` and ``codebook_size`` say; a function of the data and ``seed``.

    Quantised ones are those of a saved model, where ``dataset.saved_codes`` has some that fit: to
    make them takes 9 to 28 seconds on Beauty.

    Raises:
        DataError: codes of attributes, and a column that is missing or empty.
    """
    kind, size = config["codes"], config["codebook_size"]
    n_items = dataset.num(config["ITEM_ID_FIELD"])
    if kind == "attributes":
        codes = attribute_codes(item_columns(dataset, config["item_features"]), size)
        size = int(codes.max()) + 1
    elif kind == "random":
        codes = random_codes(n_items, config["n_codes"], size, config["seed"])
    else:
        saved: Tensor | None = getattr(dataset, "saved_codes", None)
        if saved is not None and _fit(saved, (n_items, config["n_codes"]), size):
            return ItemCodes(saved, size)
        codes = _quantised(config, dataset, n_items)
    codes[PAD] = 0
    found = ItemCodes(torch.from_numpy(codes).to(smallest_dtype(size)), size)
    _log(kind, found, config["hidden_size"])
    return found


def random_codes(n_items: int, n_codes: int, size: int, seed: int) -> IntArray:
    """[n_items, M] independent draws from 0 ... K - 1."""
    return np.random.default_rng([seed, n_codes, size]).integers(size, size=(n_items, n_codes))


def _quantised(config: Any, dataset: Any, n_items: int) -> IntArray:
    users, items, _ = training_interactions(config, dataset)
    seed = config["seed"]
    vectors = item_vectors(users, items, n_items, config["hidden_size"], seed)
    quantise = _QUANTISERS[config["codes"]]
    codes = np.zeros((n_items, config["n_codes"]), np.int64)
    codes[PAD + 1 :] = quantise(
        vectors[PAD + 1 :], config["n_codes"], config["codebook_size"], seed
    )
    return codes


def _fit(codes: Tensor, shape: tuple[int, int], size: int) -> bool:
    """A checkpoint that somebody has changed gives no code beyond the table."""
    if codes.shape != shape or codes.dtype != smallest_dtype(size):
        return False
    return bool(((codes >= 0) & (codes < size)).all())


def _log(kind: str, codes: ItemCodes, hidden_size: int) -> None:
    n_items, levels = len(codes.values) - 1, codes.values.shape[1]
    stored = codes.values.element_size() * codes.values.numel()
    getLogger("recbole_ext").info(
        "codes %s: %s items as %d codes of %s, %s of them distinct; %.2f MB of codes instead of "
        "%.2f MB of item vectors",
        kind, f"{n_items:,}", levels, f"{codes.size:,}", f"{codes.distinct:,}", stored / 1e6,
        4 * n_items * hidden_size / 1e6,
    )  # fmt: skip
