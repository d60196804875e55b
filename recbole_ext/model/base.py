"""What every model of this library shares with RecBole and with its siblings."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import SequentialRecommender
from recbole.utils import InputType
from torch import Tensor

from recbole_ext import compat  # noqa: F401
from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.nn.embedding import PAD
from recbole_ext.nn.losses import linear_cross_entropy


def right_align(item_seq: Tensor, lengths: Tensor) -> Tensor:
    """Left-aligned ids [B, L] with their lengths [B] -> right-aligned [B, w], w the longest."""
    width = max(int(lengths.max()), 1)
    place = torch.arange(width, device=item_seq.device) - (width - lengths).unsqueeze(1)
    aligned = item_seq.gather(1, place.clamp(min=0))
    return torch.where(place >= 0, aligned, PAD)


class NextItemRecommender(SequentialRecommender):
    """Encodes right-aligned sequences and scores items by dot product with tied embeddings.

    A subclass gives :meth:`encode` and :attr:`item_table`. Sequences are right-aligned once, here,
    on ids: from then on the prediction is made at slot -1. Scores are :meth:`queries` times the
    item table, in the loss, in a prediction and in a full ranking alike.

    The loss covers the newest ``target_count`` positions of each row. A stock RecBole loader has no
    such column: each of its rows is one prefix, and the newest position alone bears loss.
    """

    input_type = InputType.POINTWISE

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.loss_precision: str = config["loss_precision"] or "auto"
        self.loss_chunk_size: int | None = config["loss_chunk_size"]
        self.first_class = 0 if config["padding_as_class"] else PAD + 1

    @property
    @abstractmethod
    def item_table(self) -> Tensor:
        """[n_items, q] vectors that items are scored with, PAD at row 0."""

    @abstractmethod
    def encode(
        self, item_seq: Tensor, last_only: bool = False, user: Tensor | None = None
    ) -> Tensor:
        """Right-aligned ids [B, w] -> states [B, w, d], or [B, 1, d] of the newest position.

        ``user``: ids [B], PAD for an unknown one; None: all are.
        """

    def queries(self, states: Tensor, user: Tensor) -> Tensor:
        """States [P, d] of these users [P] -> what is multiplied with the item table, [P, q]."""
        return states

    def forward(self, item_seq: Tensor, item_seq_len: Tensor, user: Tensor | None = None) -> Tensor:
        """RecBole's convention: left-aligned ids [B, L], lengths [B] -> newest state [B, d]."""
        return self.encode(right_align(item_seq, item_seq_len), True, user).squeeze(1)

    def calculate_loss(self, interaction: Interaction) -> Tensor:
        """Cross-entropy over all items (PAD is none of them) at the positions that bear loss."""
        item_seq = right_align(interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN])
        newest, user = interaction[self.POS_ITEM_ID], self._users(interaction)
        if TARGET_COUNT not in interaction:
            states, targets = self.encode(item_seq, True, user).squeeze(1), newest
            rows = torch.arange(len(newest), device=newest.device)
        else:
            bears_loss = _newest(interaction[TARGET_COUNT], item_seq)  # [B, w]
            states = self.encode(item_seq, user=user)[bears_loss]  # [P, d]
            targets = torch.cat([item_seq[:, 1:], newest.unsqueeze(1)], 1)[bears_loss]
            rows = bears_loss.nonzero()[:, 0]
        weights = interaction[TARGET_WEIGHT][rows] if TARGET_WEIGHT in interaction else None
        return self.loss(self.queries(states, user[rows]), targets, weights)

    def loss(self, queries: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Queries [P, q], targets [P], weights [P] or None (the mean) -> scalar."""
        table = self.item_table
        if self.first_class == PAD:  # a class whose logit is 0 for ever: its row must not learn
            table = torch.cat([table[:1].detach(), table[1:]])
        return linear_cross_entropy(
            queries,
            table,
            targets,
            weights,
            first_class=self.first_class,
            precision=self.loss_precision,
            chunk_size=self.loss_chunk_size,
        )

    def predict(self, interaction: Interaction) -> Tensor:
        """Scores [B] of the given item of each row."""
        query = self._newest_queries(interaction)
        return (query * self.item_table[interaction[self.ITEM_ID]]).sum(-1)

    def full_sort_predict(self, interaction: Interaction) -> Tensor:
        """Scores [B, n_items] of every item; column 0 is PAD."""
        return self._newest_queries(interaction) @ self.item_table.T

    def _newest_queries(self, interaction: Interaction) -> Tensor:
        """[B, q] of the newest position of each row."""
        user = self._users(interaction)
        state = self.forward(interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN], user)
        return self.queries(state, user)

    def _users(self, interaction: Interaction) -> Tensor:
        """[B] user ids, PAD where the batch does not say who they are (a new user's history)."""
        if self.USER_ID in interaction:
            return interaction[self.USER_ID]
        return torch.zeros_like(interaction[self.ITEM_SEQ_LEN])


def _newest(count: Tensor, item_seq: Tensor) -> Tensor:
    """[B, w] bool: the newest ``count`` [B] real positions of each row."""
    width = item_seq.shape[1]
    slots = torch.arange(width, device=item_seq.device)
    return (slots >= width - count.unsqueeze(1)) & (item_seq != PAD)
