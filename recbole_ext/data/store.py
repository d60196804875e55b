"""All users' sequences as one flat array."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SequenceStore:
    """Items of all users, user after user, each in time order.

    User u's sequence is ``items[offsets[u]:offsets[u + 1]]``; user 0 is PAD and owns nothing. It
    takes 8 bytes an interaction where padded prefixes take 8 L.

    Attributes:
        items: [N] item ids, 1 and up.
        offsets: [n_users + 1].
        n_items: number of items, PAD included.
        columns: further columns of the interactions, each [N, ...] in the same order.
    """

    items: IntArray
    offsets: IntArray
    n_items: int
    columns: Mapping[str, NDArray[np.generic]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_ordered(
        cls, items: IntArray, users: IntArray, n_users: int, n_items: int
    ) -> SequenceStore:
        """From items in chronological order; ``users`` [N] in any order."""
        offsets = np.zeros(n_users + 1, dtype=np.int64)
        np.cumsum(np.bincount(users, minlength=n_users), out=offsets[1:])
        return cls(np.ascontiguousarray(items, dtype=np.int64), offsets, n_items)

    @property
    def n_users(self) -> int:
        """Number of users, PAD included."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> IntArray:
        """[n_users] number of interactions of each user."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> IntArray:
        """[N] the user of each interaction."""
        return np.repeat(np.arange(self.n_users), self.lengths)

    def sequence(self, user: int) -> IntArray:
        """The items of one user, oldest first."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def before(self, ends: IntArray) -> NDArray[np.bool_]:
        """[N] bool: whether a place of ``items`` is before its user's of ``ends`` [n_users]."""
        return np.arange(len(self.items)) < np.repeat(ends, self.lengths)

    def cut(self, ends: IntArray) -> SequenceStore:
        """The sequences up to, not including, the places ``ends`` [n_users] of ``items``.

        Empty for an end of -1. Further columns are left behind.
        """
        lengths = np.where(ends >= 0, ends - self.offsets[:-1], 0)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return SequenceStore(self.items[self.before(ends)], offsets, self.n_items)

    def sha256(self) -> str:
        """A digest of who took what in which order, to tell variants of a data set apart."""
        digest = hashlib.sha256()
        for array in (self.offsets, self.items):
            digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return digest.hexdigest()


def chronological_order(users: IntArray, times: NDArray[np.float64]) -> IntArray:
    """Places of the interactions by user, then by float64 time; ties keep their order."""
    order: IntArray = np.lexsort((times, users))  # stable
    return order
