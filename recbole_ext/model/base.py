"""What every model of this library shares with RecBole and with its siblings."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import torch
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import SequentialRecommender
from recbole.utils import InputType
from torch import Tensor

from recbole_ext import compat  # noqa: F401
from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.model.propensities import build_propensity_weights
from recbole_ext.model.sampling import build_loss, build_sampler
from recbole_ext.model.tasks import Rows, Task, hidden_items, next_items, row_of
from recbole_ext.nn.cloze import Cloze
from recbole_ext.nn.embedding import PAD
from recbole_ext.nn.histories import Histories
from recbole_ext.nn.losses import linear_cross_entropy
from recbole_ext.nn.negatives import NegativeSampler
from recbole_ext.nn.sampled_losses import score, weighted_sum


def right_align(item_seq: Tensor, lengths: Tensor) -> Tensor:
    """Left-aligned ids [B, L] with their lengths [B] -> right-aligned [B, w], w the longest."""
    width = max(int(lengths.max()), 1)
    place = torch.arange(width, device=item_seq.device) - (width - lengths).unsqueeze(1)
    aligned = item_seq.gather(1, place.clamp(min=0))
    return torch.where(place >= 0, aligned, PAD)


def build_cloze(config: Any, mask_token: int) -> Cloze | None:
    """What ``direction: ae`` hides; None for a model that reads from left to right."""
    if config["direction"] != "ae":
        return None
    return Cloze(mask_token, config["mask_ratio"], config["mask_last_prob"])


class NextItemRecommender(SequentialRecommender):
    """Encodes right-aligned sequences and scores items by dot product with tied embeddings.

    A subclass gives :meth:`encode` and :attr:`item_table`. Sequences are right-aligned once, here,
    on ids: from then on the prediction is made at slot -1. Scores are :meth:`queries` times the
    item table, in the loss, in a prediction and in a full ranking alike.

    ``direction: ar`` trains the newest ``target_count`` positions of each row. A stock RecBole
    loader has no such column: each of its rows is one prefix, and the newest position alone bears
    loss. ``direction: ae`` takes a row's window and its next item as one sequence, hides some of it
    behind [MASK] and trains the hidden slots; a prediction is made at a [MASK] after the history.

    Attributes:
        cloze: what is hidden; None under ``ar``.
        n_embeddings: rows that :attr:`item_table` needs.
        sampler: draws the negatives of a sampled loss; None for the cross-entropy over all items.
        exclude_history: what a position has read is no negative for it.
        propensity_weights: by target, of mean 1 over the training data; None: all alike.
    """

    input_type = InputType.POINTWISE

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.loss_precision: str = config["loss_precision"] or "auto"
        self.loss_chunk_size: int | None = config["loss_chunk_size"]
        self.first_class = 0 if config["padding_as_class"] else PAD + 1
        self.cloze = build_cloze(config, mask_token=self.n_items)
        self.n_embeddings = self.n_items + (self.cloze is not None)
        self.sampler: NegativeSampler | None = None
        if config["loss_type"] not in (None, "CE"):
            self.sampler = build_sampler(config, dataset, self.n_items - 1)
            self.sampled_loss = build_loss(config, self.n_items - 1)
        self.exclude_history = bool(config["exclude_history"])
        self.propensity_weights = build_propensity_weights(config, dataset)

    @property
    @abstractmethod
    def item_table(self) -> Tensor:
        """[n_embeddings, q] vectors that items are scored with: PAD at row 0, [MASK] last.

        [MASK] is an input only: neither loss nor ranking has it for a candidate.
        """

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
        aligned = right_align(item_seq, item_seq_len)
        if self.cloze is not None:  # the oldest item makes room only in a full window
            aligned = self.cloze.ask_next(aligned)[:, -self.max_seq_length :]
        return self.encode(aligned, last_only=True, user=user).squeeze(1)

    def calculate_loss(self, interaction: Interaction) -> Tensor:
        """The loss at the positions that bear it."""
        task, user = self.task(interaction), self._users(interaction)
        if task.asked is None:
            states = self.encode(task.inputs, last_only=True, user=user).squeeze(1)
        else:
            states = self.encode(task.inputs, user=user)[task.asked]  # [P, d]
            user = user[row_of(task.asked)]
        read = task.histories(causal=self.cloze is None) if self.exclude_history else None
        return self.loss(self.queries(states, user), task.targets, task.weights, read)

    def task(self, interaction: Interaction) -> Task:
        """Which items are to be named, where, out of which inputs, and what each weighs."""
        task = self._unweighted_task(interaction)
        if self.propensity_weights is None:
            return task
        return replace(task, weights=self.propensity_weights(task.targets, task.weights))

    def _unweighted_task(self, interaction: Interaction) -> Task:
        columns = interaction.interaction
        rows = Rows(
            right_align(columns[self.ITEM_SEQ], columns[self.ITEM_SEQ_LEN]),
            columns[self.POS_ITEM_ID],
            columns.get(TARGET_COUNT),
            columns.get(TARGET_WEIGHT),
        )
        if self.cloze is None:
            return next_items(rows)
        return hidden_items(rows, self.cloze, self.max_seq_length)

    def loss(
        self,
        queries: Tensor,
        targets: Tensor,
        weights: Tensor | None,
        read: Histories | None = None,
    ) -> Tensor:
        """Queries [P, q], targets [P], weights [P] or None (the mean) -> scalar.

        ``read``: what each position has read and must not get for a negative.
        """
        table = self.item_table
        if self.sampler is not None:
            scores = score(queries, table, targets, self.sampler(targets), read)
            return weighted_sum(self.sampled_loss(scores), weights)
        if self.first_class == PAD:  # a class whose logit is 0 for ever: its row must not learn
            table = torch.cat([table[:1].detach(), table[1:]])
        return linear_cross_entropy(
            queries,
            table,
            targets,
            weights,
            first_class=self.first_class,
            last_class=self.n_items,
            precision=self.loss_precision,
            chunk_size=self.loss_chunk_size,
        )

    def predict(self, interaction: Interaction) -> Tensor:
        """Scores [B] of the given item of each row."""
        query = self._newest_queries(interaction)
        return (query * self.item_table[interaction[self.ITEM_ID]]).sum(-1)

    def full_sort_predict(self, interaction: Interaction) -> Tensor:
        """Scores [B, n_items] of every item; column 0 is PAD."""
        return self._newest_queries(interaction) @ self.item_table[: self.n_items].T

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
