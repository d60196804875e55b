"""The attention of a run's test users, one newest block a user: what all measures read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recbole_ext.analysis.attention import attention_of
from recbole_ext.analysis.sparsity import sparsity, uniform
from recbole_ext.data.batches import batches_in_order
from recbole_ext.errors import DataError, show
from recbole_ext.inference.sequences import known_users
from recbole_ext.nn.attending import Attention, NoAttentionError

if TYPE_CHECKING:
    from recbole_ext.runner import Run

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SIZE = 20  # the block that the paper's tables fit
_BATCH = 64
_SEED = 0


@dataclass(frozen=True)
class Layer:
    """One layer's attention over U users and s heads.

    Attributes:
        blocks: [U, s, n, n] the newest n × n block, padded rows zero.
        scaled: [U, s] S·m over the m real rows.
    """

    blocks: FloatArray
    scaled: FloatArray


@dataclass(frozen=True)
class Blocks:
    """The attention of one run.

    Attributes:
        layers: those with heads that attend, by their number, counted from 1.
        lengths: [U] real rows of each user.
    """

    layers: dict[int, Layer]
    lengths: IntArray

    @property
    def users(self) -> int:
        return len(self.lengths)


def collect(run: Run, users: IntArray, size: int = SIZE) -> Blocks:
    """The attention by which ``run`` ranks the test items of these users.

    Args:
        users: [U] numbers of the rows of ``run.loaders.test``.

    Raises:
        NoAttentionError: the model has no attention matrices, and why.
    """
    run.model.eval()
    found = []
    for picked in batches_in_order(len(users), _BATCH):
        seen = _seen(run, users[picked])
        layers = [_layer(one, seen.keep, size) for one in seen.layers]
        found.append((layers, seen.keep.sum(1).numpy()))
    return _joined(found)


def rows_of(run: Run, count: int | None, user: str | None = None) -> IntArray:
    """Rows of ``run.loaders.test``: ``count`` at random, always the same ones; None: all.

    Args:
        user: the token of the only user wanted.

    Raises:
        DataError: no such user, or nothing of his is tested.
    """
    users = run.loaders.test.rows.users
    if user is not None:
        known = known_users(run.dataset, run.dataset.store, [user], ["--user"])
        rows = np.flatnonzero(users == known.picked[0])
        if not len(rows):
            few = run.config["eval_users"]
            among = "" if few is None else f", whose eval_users: {few} are tested"
            raise DataError(f"--user: {show(user)} has no test item in {run.run_dir.name}{among}")
        return rows
    if count is None or count >= len(users):
        return np.arange(len(users))
    return np.sort(np.random.default_rng(_SEED).choice(len(users), count, replace=False))


def newest_block(weights: Tensor, size: int) -> Tensor:
    """[..., w, w] right-aligned -> [..., n, n], zeros where there are no such slots."""
    missing = max(size - weights.shape[-1], 0)
    padded = torch.nn.functional.pad(weights, (missing, 0, missing, 0))
    return padded[..., -size:, -size:]


def uniform_blocks(lengths: IntArray, causal: bool, size: int = SIZE) -> FloatArray:
    """[U, n, n] the newest block of uniform attention over histories of these lengths [U].

    The block of a longer history is no uniform matrix of its own: under a causal mask its rows are
    nearly alike, since all of them see the many older keys.
    """
    known, place = np.unique(lengths, return_inverse=True)
    blocks = [newest_block(torch.from_numpy(uniform(int(m), causal)), size) for m in known]
    return np.asarray(torch.stack(blocks).numpy()[place], dtype=np.float64)


def _seen(run: Run, rows: IntArray) -> Attention:
    """Of one batch, on the CPU."""
    loader, device = run.loaders.test, run.config["device"]
    interaction = loader.batch(rows).interaction.to(device)
    lengths = torch.from_numpy(loader.rows.lengths[rows]).to(device)
    seen = attention_of(run.model, interaction, lengths)
    return Attention([one.double().cpu() for one in seen.layers], seen.keep.cpu())


def _layer(weights: Tensor, keep: Tensor, size: int) -> Layer:
    """weights [B, s, w, w] -> its blocks, and S·m of the m real rows."""
    full = sparsity(weights.numpy())  # over w² entries; zeros add nothing to either norm
    real, width = keep.sum(1, keepdim=True).numpy(), weights.shape[-1]
    return Layer(newest_block(weights, size).numpy(), full * width**2 / real)


def _joined(found: list[tuple[list[Layer], IntArray]]) -> Blocks:
    layers = {}
    for number, parts in enumerate(zip(*(batch for batch, _ in found), strict=True), start=1):
        if parts[0].blocks.shape[1]:
            layers[number] = Layer(
                np.concatenate([part.blocks for part in parts]),
                np.concatenate([part.scaled for part in parts]),
            )
    if not layers:
        raise NoAttentionError("has no head that attends")
    return Blocks(layers, np.concatenate([lengths for _, lengths in found]))
