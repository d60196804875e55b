"""The sequences of a data set turned round: the users of each item."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recbole_ext.nn.embedding.padding import PAD


class ItemUsers(nn.Module):
    """Users of items, oldest first, on the model's device; made of the data, so not saved.

    Args:
        users: [N] user ids, item after item, each in time order.
        offsets: [n_items + 1]; item i's users are ``users[offsets[i]:offsets[i + 1]]``.
        max_users: the newest that are read.
    """

    users: Tensor
    offsets: Tensor

    def __init__(self, users: Tensor, offsets: Tensor, max_users: int) -> None:
        super().__init__()
        self.register_buffer("users", users, persistent=False)
        self.register_buffer("offsets", offsets, persistent=False)
        self.max_users = max_users

    def forward(self, items: Tensor, allowed: Tensor) -> Tensor:
        """The newest users of items, the others taken out.

        Args:
            items: [k] ids.
            allowed: [n_users] bool, who may appear.

        Returns:
            [k, w] user ids, right-aligned without gaps, w the longest, PAD elsewhere. A gap would
            still tell that somebody has been taken out, and where.
        """
        begin, end = self.offsets[items].unsqueeze(1), self.offsets[items + 1].unsqueeze(1)
        place = end - self.max_users + torch.arange(self.max_users, device=items.device)
        users = self.users[place.clamp(min=0)].where(place >= begin, PAD)  # [k, max_users]
        kept = allowed[users] & (users != PAD)
        order = kept.to(torch.uint8).sort(dim=1, stable=True).indices  # those kept to the right
        width = int(kept.sum(1).max()) if len(items) else 0
        return users.where(kept, PAD).gather(1, order)[:, self.max_users - width :]
