"""Items as M codes out of K each: their vectors, and their scores by partial sums.

An item's vector is made of one code vector a level, added up or set side by side. Its inner product
with a query is then a sum of M of the query's M x K products with the code vectors (RecJPQ, arXiv
2312.06165; PQTopK, arXiv 2408.09992): every item is scored without its vector ever being formed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.embedding.items import ItemPart
from recbole_ext.nn.embedding.padding import PAD
from recbole_ext.nn.top import top_k

Banned = tuple[Tensor, Tensor]  # (rows, item ids) of what must not be recommended
BYTES_AT_ONCE = 16_000_000  # of the scores of a slice of the catalogue


class CodePart(ItemPart):
    """Item vectors out of codes.

    Args:
        codes: [V, M] integers in [0, K), by item id; PAD's row means nothing. Kept in their dtype.
            Of ids beyond, which are no items ([MASK]), nothing is known.
        n_codes: K.
        size: d.
        concat: code vectors of width d / M side by side; else of width d, added.
    """

    codes: Tensor

    def __init__(self, codes: Tensor, n_codes: int, size: int, concat: bool) -> None:
        super().__init__()
        levels = codes.shape[1]
        if concat and size % levels:
            raise ValueError(f"{levels} codes cannot share a width of {size}")
        self.concat = concat
        self.register_buffer("codes", codes)
        width = size // levels if concat else size
        self.weight = nn.Parameter(torch.empty(levels, n_codes, width))  # [M, K, w]

    def forward(self, ids: Tensor) -> Tensor:
        flat = ids.flatten()
        items = flat.clamp(max=len(self.codes) - 1)
        rows = flat_codes(self.codes[items], self.weight.shape[1])  # [N, M]
        table = self.weight.flatten(0, 1)  # [M K, w]
        if self.concat:
            vectors = F.embedding(rows, table).flatten(1)
        else:
            vectors = F.embedding_bag(rows, table, mode="sum")
        known = (flat != PAD) & (flat == items)
        return (vectors * known.unsqueeze(1)).view(*ids.shape, -1)

    def partial(self, queries: Tensor) -> Tensor:
        """Queries [P, d] -> their products with all code vectors, [P, M, K]."""
        levels, n_codes, width = self.weight.shape
        if self.concat:
            return torch.einsum("pmw,mkw->pmk", queries.view(-1, levels, width), self.weight)
        return (queries @ self.weight.flatten(0, 1).T).view(-1, levels, n_codes)

    @torch.no_grad()
    def initialize(self, std: float) -> None:
        """Normal, so that an item's vector has entries of standard deviation ``std``."""
        levels = 1 if self.concat else self.weight.shape[0]
        nn.init.normal_(self.weight, std=std / levels**0.5)


def flat_codes(codes: Tensor, n_codes: int) -> Tensor:
    """Codes [N, M] -> int64 rows of the [M K, .] table of all levels."""
    levels = torch.arange(codes.shape[1], device=codes.device)
    return codes.long() + levels * n_codes


def smallest_dtype(n_codes: int) -> torch.dtype:
    """The narrowest integers that hold codes below K."""
    if n_codes <= 256:
        return torch.uint8
    return torch.int16 if n_codes <= 2**15 else torch.int32


def code_scores(partial: Tensor, codes: Tensor) -> Tensor:
    """Partial products [P, M, K] and the codes [V, M] of all items -> scores [P, V]; PAD's is 0."""
    scores = partial.new_empty(len(partial), len(codes))
    for some, part in slices_of_scores(partial, codes):
        scores[:, some] = part.T
    scores[:, PAD] = 0.0
    return scores


def slices_of_scores(partial: Tensor, codes: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """(which items, their scores [C, P]) for a slice of the catalogue at a time."""
    n_codes = partial.shape[2]
    table = partial.flatten(1).T.contiguous()  # [M K, P]
    size = max(1, BYTES_AT_ONCE // max(1, len(partial) * partial.element_size()))
    for start in range(0, len(codes), size):
        some = slice(start, min(start + size, len(codes)))
        yield some, F.embedding_bag(flat_codes(codes[some], n_codes), table, mode="sum")


def top_by_codes(
    partial: Tensor, codes: Tensor, k: int, banned: Banned | None = None
) -> tuple[Tensor, Tensor]:
    """The k best items of each query without ever holding [P, V] scores.

    Args:
        partial: [P, M, K].
        codes: [V, M] by item id.
        banned: what must not be among them; PAD (row 0) never is.

    Returns:
        Scores [P, k] and item ids [P, k], highest first, equal ones by id ascending; -inf where
        nothing is left.
    """
    best = partial.new_full((len(partial), k), -torch.inf)
    ids = torch.full((len(partial), k), PAD, device=partial.device)
    for some, part in slices_of_scores(partial, codes):
        ban(part.T, banned, some.start)
        # Items that come into no list are most of all; NaN must not be among them.
        new = (~(part <= best[:, -1])).any(1).nonzero().squeeze(1)
        # The best so far come first, their ids are smaller: equal scores stay in order.
        best, order = top_k(torch.cat([best, part[new].T], 1), k)
        ids = torch.cat([ids, (new + some.start).expand(len(ids), -1)], 1).gather(1, order)
    return best, ids


def ban(scores: Tensor, banned: Banned | None, start: int = 0) -> None:
    """-inf for PAD and for what is banned in scores [P, C] of the ids from ``start``, in place."""
    if start <= PAD:
        scores[:, PAD - start] = -torch.inf
    if banned is not None:
        rows, ids = banned
        here = (ids >= start) & (ids < start + scores.shape[1])
        scores[rows[here], ids[here] - start] = -torch.inf
