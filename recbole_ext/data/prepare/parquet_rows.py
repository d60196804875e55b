"""Which rows of a Parquet file can be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_ext.data.prepare.cleaning import LeftOut
from recbole_ext.data.prepare.log import FieldError, LogBuilder
from recbole_ext.data.prepare.settings import Columns
from recbole_ext.data.prepare.times import iso_seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray


def sound_rows(
    batch: Any, rows: NDArray[np.int64], columns: Columns, builder: LogBuilder, left_out: LeftOut
) -> tuple[Any, NDArray[np.int64]]:
    """A batch without its bad rows, which are counted; rows: their numbers in the file, int64 [n].

    A column of a wrong type is not judged here: no row of it can be used.
    """
    checks: dict[str, Callable[[str], object]] = {
        "user": builder.users.check,
        "item": builder.items.check,
        "timestamp": iso_seconds,
    }
    for role, name in columns.named.items():
        role = "timestamp" if role == "time" else role
        odd = np.zeros(len(rows), bool)
        for reason, mask in _reasons(_column(batch, name), role, checks.get(role)).items():
            left_out.add(reason, int(rows[mask.argmax()]), int(mask.sum()))
            odd |= mask
        if odd.any():
            batch, rows = batch.filter(_mask(~odd)), rows[~odd]
    return batch, rows


def is_text(kind: Any) -> bool:
    """Whether a column's type is text."""
    import pyarrow as arrow

    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


def _column(batch: Any, name: str) -> Any:
    """A column, one of categories as what they are."""
    import pyarrow as arrow

    column = batch.column(batch.schema.get_field_index(name))
    return column.cast(column.type.value_type) if arrow.types.is_dictionary(column.type) else column


def _reasons(
    column: Any, role: str, check: Callable[[str], object] | None
) -> dict[str, NDArray[np.bool_]]:
    """Why rows cannot be used, each with a mask [n] that holds for one row at least."""
    import pyarrow as arrow

    empty = column.is_null().to_numpy(zero_copy_only=False)
    masks = {f"{role} is empty": empty} if empty.any() else {}
    if check is not None and is_text(column.type):
        encoded = column.dictionary_encode()
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for place, text in enumerate(encoded.dictionary.to_pylist()):
            try:
                check(text)
            except FieldError as error:
                before = masks.get(error.reason, False)
                masks[error.reason] = (places == place) | before
    elif role in ("rating", "timestamp") and arrow.types.is_floating(column.type):
        values = column.cast(arrow.float64()).to_numpy(zero_copy_only=False)
        odd = ~np.isfinite(values) & ~empty
        masks |= {f"{role} is not a finite number": odd} if odd.any() else {}
    return masks


def _mask(kept: NDArray[np.bool_]) -> Any:
    import pyarrow as arrow

    return arrow.array(kept)
