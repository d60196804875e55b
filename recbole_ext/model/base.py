"""What every model of this library shares with RecBole and with its siblings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import SequentialRecommender
from recbole.utils import InputType
from torch import Tensor

from recbole_ext import compat  # noqa: F401
from recbole_ext.data.batches import TARGET_COUNT, TARGET_WEIGHT
from recbole_ext.model.elsewhere import refuse_unknown_elsewhere
from recbole_ext.model.propensities import build_propensity_weights
from recbole_ext.model.sampling import build_loss, build_sampler
from recbole_ext.model.tasks import Rows, Task, hidden_items, next_items, row_of
from recbole_ext.nn.catalogue import Catalogue, CrossEntropy, TableCatalogue
from recbole_ext.nn.cloze import Cloze
from recbole_ext.nn.embedding import PAD
from recbole_ext.nn.histories import Histories
from recbole_ext.nn.negatives import NegativeSampler
from recbole_ext.nn.sampled_losses import weighted_sum


def right_align(item_seq: Tensor, lengths: Tensor, width: int | None = None) -> Tensor:
    """Left-aligned ids [B, L] with their lengths [B] -> right-aligned [B, w], w the longest.

    ``width``: another w, not below the longest.
    """
    width = width or max(int(lengths.max()), 1)
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
    on ids: from then on the prediction is made at slot -1. Scores are those of :meth:`queries`
    against the :attr:`catalogue`, in the loss, in a prediction and in a full ranking alike.

    ``direction: ar`` trains the newest ``target_count`` positions of each row. A stock RecBole
    loader has no such column: each of its rows is one prefix, and the newest position alone bears
    loss. ``direction: ae`` takes a row's window and its next item as one sequence, hides some of it
    behind [MASK] and trains the hidden slots; a prediction is made at a [MASK] after the history.

    Attributes:
        cloze: what is hidden; None under ``ar``.
        width: of every batch, where padding is attended to (``mask_padding: false``, and from the
            second block on ``remask_padding: false``): what a row is scored by must not depend on
            its company; and where ``trim_batches: false`` asks for it. None: each batch's longest.
        n_embeddings: rows that :attr:`item_table` needs.
        sampler: draws the negatives of a sampled loss; None for the cross-entropy over all items.
        exclude_history: what a position has read is no negative for it.
        propensity_weights: by target, of mean 1 over the training data; None: all alike.
    """

    input_type = InputType.POINTWISE

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        refuse_unknown_elsewhere(config, dataset)
        self.cross_entropy = CrossEntropy(
            classes=(0 if config["padding_as_class"] else PAD + 1, self.n_items),
            precision=config["loss_precision"] or "auto",
            chunk_size=config["loss_chunk_size"],
            learned_padding=config["padding_row"] == "learned",
        )
        padded = ("mask_padding", "remask_padding", "trim_batches")
        whole = any(config[key] is False for key in padded)
        self.width: int | None = self.max_seq_length if whole else None
        self.cloze = build_cloze(config, mask_token=self.n_items)
        self.n_embeddings = self.n_items + (self.cloze is not None)
        self.sampler: NegativeSampler | None = None
        if config["loss_type"] not in (None, "CE"):
            self.sampler = build_sampler(config, dataset, self.n_items - 1, self.cloze)
            self.sampled_loss = build_loss(config, self.n_items - 1)
        self.exclude_history = bool(config["exclude_history"])
        self.propensity_weights = build_propensity_weights(config, dataset, self.cloze)

    @classmethod
    def hand_over(cls, saved: Mapping[str, Tensor], dataset: Any) -> None:
        """Before a saved model is built anew: keep with ``dataset`` what would take long to make.

        Args:
            saved: its ``state_dict``, not yet checked.
        """

    @property
    @abstractmethod
    def item_table(self) -> Tensor:
        """[n_embeddings, q] vectors that items are scored with: PAD at row 0, [MASK] last.

        [MASK] is an input only: neither loss nor ranking has it for a candidate.
        """

    @property
    def catalogue(self) -> Catalogue:
        """What items are scored by; a model whose items need no table gives its own."""
        return TableCatalogue(self.item_table)

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
        return self.newest_state(right_align(item_seq, item_seq_len, self.width), user)

    def newest_state(self, aligned: Tensor, user: Tensor | None = None) -> Tensor:
        """Right-aligned ids [B, w], however much padded -> what predicts the next item, [B, d]."""
        if self.cloze is not None:  # the oldest item makes room only in a full window
            aligned = self.cloze.ask_next(aligned)[:, -self.max_seq_length :]
        return self.encode(aligned, last_only=True, user=user).squeeze(1)

    def calculate_loss(self, interaction: Interaction) -> Tensor:
        """The loss at the positions that bear it."""
        task, user = self.task(interaction), self._users(interaction)
        return self.task_loss(self.encode_task(task, user), task, user)

    def encode_task(self, task: Task, user: Tensor) -> Tensor:
        """[B, w, d], or [B, 1, d] where the newest slots alone are asked."""
        return self.encode(task.inputs, last_only=task.asked is None, user=user)

    def task_loss(self, states: Tensor, task: Task, user: Tensor) -> Tensor:
        """The loss of what :meth:`encode_task` made, at the slots that are asked."""
        if task.asked is None:
            asked = states.squeeze(1)
        else:
            asked, user = states[task.asked], user[row_of(task.asked)]  # [P, d], [P]
        read = task.histories(causal=self.cloze is None) if self.exclude_history else None
        return self.loss(self.queries(asked, user), task.targets, task.weights, read)

    def task(self, interaction: Interaction) -> Task:
        """Which items are to be named, where, out of which inputs, and what each weighs."""
        task = self._unweighted_task(interaction)
        if self.propensity_weights is None:
            return task
        return replace(task, weights=self.propensity_weights(task.targets, task.weights))

    def _unweighted_task(self, interaction: Interaction) -> Task:
        columns = interaction.interaction
        rows = Rows(
            right_align(columns[self.ITEM_SEQ], columns[self.ITEM_SEQ_LEN], self.width),
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
        catalogue = self.catalogue
        if self.sampler is not None:
            negatives = self.sampler(targets)
            scores = catalogue.sampled(queries, targets, negatives)
            if read is not None:
                scores = scores.without(read.hold(negatives.ids))
            return weighted_sum(self.sampled_loss(scores), weights)
        return catalogue.cross_entropy(queries, targets, weights, self.cross_entropy)

    def predict(self, interaction: Interaction) -> Tensor:
        """Scores [B] of the given item of each row."""
        query = self._newest_queries(interaction)
        return self.catalogue.pairs(query, interaction[self.ITEM_ID])

    def full_sort_predict(self, interaction: Interaction) -> Tensor:
        """Scores [B, n_items] of every item; column 0 is PAD."""
        return self.catalogue.scores(self._newest_queries(interaction), self.n_items)

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
