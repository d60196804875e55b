"""What the test found for each user, in a file of its own: for significance and for groups."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recbole_ext.data.popularity import interaction_counts
from recbole_ext.data.rows import Rows
from recbole_ext.data.split import Split
from recbole_ext.data.store import IntArray, SequenceStore
from recbole_ext.errors import DataError
from recbole_ext.evaluation.metrics import FloatArray, per_user

FORMAT = "recbole_ext/ranks/1"


@dataclass(frozen=True)
class PerUser:
    """One row a tested user.

    Attributes:
        users: [U] user ids.
        ranks, ranks_seen_masked: [U] ranks of the target under each protocol.
        targets: [U] ids of the held-out items.
        history_length: [U] items of the user before the target, held-out ones included.
        target_popularity: [U] how often the target occurs in all users' training parts.
    """

    users: IntArray
    ranks: FloatArray
    ranks_seen_masked: FloatArray
    targets: IntArray
    history_length: IntArray
    target_popularity: IntArray

    @classmethod
    def of(
        cls,
        rows: Rows,
        ranks: FloatArray,
        ranks_seen_masked: FloatArray,
        store: SequenceStore,
        split: Split,
    ) -> PerUser:
        """From the rows that were ranked."""
        targets = store.items[rows.end]
        return cls(
            rows.users,
            ranks,
            ranks_seen_masked,
            targets,
            rows.end - store.offsets[rows.users],
            interaction_counts(store, split.train_end)[targets],
        )

    def metric(self, name: str, k: int, masked: bool) -> FloatArray:
        """[U] one metric of every user, e.g. ``metric("NDCG", 10, masked=False)``."""
        return per_user(name, self.ranks_seen_masked if masked else self.ranks, k)

    def write(self, path: Path, data: str) -> None:
        """Write a safetensors file; ``data`` is the digest of the data set."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        owned = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        save_file(owned, path, metadata={"format": FORMAT, "data": data})


def read(path: Path) -> tuple[PerUser, str]:
    """What :meth:`PerUser.write` wrote, and the digest of its data.

    Raises:
        DataError: no such file, cut off, or not one of ours.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise DataError(f"{path}: not written by recbole_ext (format {FORMAT} expected)")
            found = PerUser(**{name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as error:
        raise DataError(f"{path}: damaged or no file of ranks ({error})") from error
    _check(found, path)
    return found, metadata.get("data", "")


def _check(found: PerUser, path: Path) -> None:
    arrays = [getattr(found, field.name) for field in fields(found)]
    if any(array.shape != (len(found.users),) for array in arrays):
        raise DataError(f"{path}: damaged: its arrays differ in length")
    for ranks in (found.ranks, found.ranks_seen_masked):
        if not np.isfinite(ranks).all() or (ranks < 1).any():
            raise DataError(f"{path}: damaged: a rank is below 1 or no number")
