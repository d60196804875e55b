"""The consistency of items with their users, for the items of a training step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from recbole_ext.nn.duality.bank import VectorBank
from recbole_ext.nn.duality.consistency import Consistency
from recbole_ext.nn.duality.dual_encoder import DualEncoder
from recbole_ext.nn.duality.item_users import ItemUsers
from recbole_ext.nn.embedding.padding import PAD


class Duality(nn.Module):
    """User u is what the recommender makes of u's items; item i' is what ``encoder`` makes of i's
    users, their vectors out of ``bank``. A step's loss is the consistency of i' with e(i).

    Args:
        bank: vectors of users; no gradient reaches them.
        item_users: the users of each item.
        encoder: from users to i'.
        consistency: of i' and e(i).
        n_items: distinct items of the batch that a step takes, drawn at random.
    """

    def __init__(
        self,
        bank: VectorBank,
        item_users: ItemUsers,
        encoder: DualEncoder,
        consistency: Consistency,
        n_items: int,
    ) -> None:
        super().__init__()
        self.bank, self.item_users, self.encoder = bank, item_users, encoder
        self.consistency, self.n_items = consistency, n_items

    def forward(
        self, items: Tensor, present: Tensor, vectors: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The loss of some of ``items``; 0 where no user is left to any.

        Args:
            items: ids of the batch's items, repeated ones too.
            present: [B] users of the batch; none of them enters.
            vectors: from item ids [k] to e(i) [k, d].
        """
        picked = self.pick(items)
        users = self.item_users(picked, self.allowed(present))
        some = (users != PAD).any(1)
        picked, users = picked[some], users[some]
        if not len(picked):
            return self.bank.vectors.new_zeros(())
        dual = self.encoder(self.bank(users), users != PAD)
        return self.consistency(dual, vectors(picked))

    def pick(self, items: Tensor) -> Tensor:
        """At most ``n_items`` distinct items, at random."""
        distinct = items.unique()
        return distinct[torch.randperm(len(distinct), device=items.device)[: self.n_items]]

    def allowed(self, present: Tensor) -> Tensor:
        """[n_users] bool: users with a vector who are not of the batch."""
        return self.bank.known.index_fill(0, present, False)
