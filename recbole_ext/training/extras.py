"""RecBole's ``other_parameter`` as tensors: what a model keeps beside its weights and buffers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from recbole_ext.errors import ModelError


def encode(name: str, value: Any) -> dict[str, Tensor]:
    """One value as named tensors: a sparse matrix as its three arrays and shape, JSON as its text.

    Raises:
        ModelError: what only pickle could save.
    """
    if isinstance(value, Tensor):
        return {name: value}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return {f"{name}#numpy": torch.from_numpy(np.ascontiguousarray(value))}
    if scipy.sparse.issparse(value):
        matrix = value.tocsr()
        arrays = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
        arrays["shape"] = np.asarray(matrix.shape, dtype=np.int64)
        return {f"{name}#csr.{part}": torch.from_numpy(a) for part, a in arrays.items()}
    plain = value.item() if isinstance(value, np.generic) else value
    if (text := _exact_json(plain)) is not None:
        return {f"{name}#json": torch.tensor(list(text.encode()), dtype=torch.uint8)}
    raise ModelError(
        f"cannot save '{name}' of type {type(value).__name__} without pickle; tensors, arrays of "
        "numbers, sparse matrices and what JSON gives back unchanged can be"
    )


def _exact_json(value: Any) -> str | None:
    """None where JSON would give back something else, as of tuples and of keys that are numbers."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return None
    return text if repr(json.loads(text)) == repr(value) else None


def decode(tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Undo :func:`encode`, of all values at once."""
    values: dict[str, Any] = {}
    for key, value in tensors.items():
        name, _, kind = key.partition("#")
        if not kind:
            values[name] = value
        elif kind == "numpy":
            values[name] = value.numpy()
        elif kind == "json":
            values[name] = json.loads(bytes(value.tolist()))
        elif kind == "csr.data":
            parts = {p: tensors[f"{name}#csr.{p}"].numpy() for p in ("indices", "indptr", "shape")}
            arrays = (value.numpy(), parts["indices"], parts["indptr"])
            values[name] = scipy.sparse.csr_matrix(arrays, shape=tuple(parts["shape"]))
    return values
