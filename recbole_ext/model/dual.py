"""DualSASRec: user-item duality (arXiv 2504.09596, named there and left open)."""

from __future__ import annotations

from typing import Any

import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.batches import NEWEST_ROW
from recbole_ext.data.transposed import item_sequences, newest_items
from recbole_ext.model.composable import ComposableRecommender
from recbole_ext.nn.duality import Consistency, DualEncoder, Duality, ItemUsers, VectorBank


class DualSASRec(ComposableRecommender):
    """loss = CE + λ · consistency of e(i) with i' = dual encoder(the users of i).

    A user's vector is the state that is to name the user's newest training item: of the rows of a
    user (prefixes, windows) the newest one gives it. (RecBole's own loader does not say which one
    that is: there every row that asks for that item gives it, the last of an epoch for good.) It
    goes through a memory bank, so that the users of an item need not be encoded for its sake. All
    users of a batch are taken out of the sequences that its step reads. Keys:
    ``properties/model/DualSASRec.yaml``.

    With ``dual_weight: 0`` there is neither bank nor dual encoder, and the model is its base.
    """

    newest_items: Tensor  # [n_users], of the training part

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)  # first: the base's weights do not depend on the dual's
        self.dual_weight: float = config["dual_weight"]
        self.duality = self._build_duality(config, dataset) if self.dual_weight else None
        if self.duality is not None:
            newest = torch.from_numpy(newest_items(config, dataset))
            self.register_buffer("newest_items", newest, persistent=False)

    def calculate_loss(self, interaction: Interaction) -> Tensor:
        task, user = self.task(interaction), self._users(interaction)
        states = self.encode_task(task, user)
        loss = self.task_loss(states, task, user)
        if self.duality is None:
            return loss
        dual_loss = self.duality(task.targets, user, self.embedding.items)
        if self.training:  # never in a ranking, whose histories hold what is held out of training
            whole = self._newest(interaction, user)
            self.duality.bank.write(user[whole], states[whole, -1])
        return loss + self.dual_weight * dual_loss

    def _newest(self, interaction: Interaction, user: Tensor) -> Tensor:
        """[B] bool: whether the row is the newest of its user."""
        if NEWEST_ROW in interaction:
            return interaction[NEWEST_ROW]
        return interaction[self.POS_ITEM_ID] == self.newest_items[user]

    def _build_duality(self, config: Any, dataset: Any) -> Duality:
        store = item_sequences(config, dataset)
        users, offsets = torch.from_numpy(store.items), torch.from_numpy(store.offsets)
        return Duality(
            VectorBank(dataset.num(self.USER_ID), config["hidden_size"]),
            ItemUsers(users, offsets, config["max_users"]),
            self._build_dual_encoder(config),
            Consistency(
                config["consistency"],
                config["dual_stop_gradient"],
                config["dual_temperature"] or 1.0,  # null but for InfoNCE
            ),
            n_items=config["dual_items"],
        )

    def _build_dual_encoder(self, config: Any) -> DualEncoder:
        encoder = DualEncoder(
            self._build_encoder(config, config["dual_layers"], config["max_users"]),
            config["hidden_size"],
            self.item_size,
            config["max_users"],
            config["hidden_dropout_prob"],
            config["initializer_range"],
        )
        encoder.apply(self._initialize)
        return encoder
