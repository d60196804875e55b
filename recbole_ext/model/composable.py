"""The composable recommender: every axis a YAML key, every named model a choice of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.model.base import NextItemRecommender
from recbole_ext.model.items import build_item_encoder
from recbole_ext.nn.attention import Mixer, MixerSpec, Sublayers, build_mixer
from recbole_ext.nn.block import BlockStyle
from recbole_ext.nn.embedding import (
    PAD,
    ItemEncoder,
    RandomReplacement,
    SequenceEmbedding,
    UserEmbedding,
)
from recbole_ext.nn.encoder import Encoder
from recbole_ext.nn.feed_forward import FeedForward
from recbole_ext.nn.histories import Histories
from recbole_ext.nn.scores import DotScores, UserScores, build_scores


@dataclass(frozen=True)
class Memory:
    """What is known of B sequences of w slots.

    Attributes:
        keep: [B, w] bool, true at real items.
        inputs: of each block, [B, w, d].
    """

    keep: Tensor
    inputs: list[Tensor]

    def of(self, rows: Tensor) -> Memory:
        """That of some of them, in another order."""
        return Memory(self.keep[rows], [one[rows] for one in self.inputs])


# From a history to scores; what `remember` goes round.
_WAY = ("encode", "newest_state", "forward", "queries", "full_sort_predict")


class ComposableRecommender(NextItemRecommender):
    """Embedding -> blocks of mixer and feed-forward network -> scores against tied embeddings.

    The keys and what each does are listed in ``properties/model/ComposableRecommender.yaml``.
    """

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        with_users = config["user_embedding"] == "concat"
        self.item_size = config["hidden_size"] // (2 if with_users else 1)
        self.embedding = self._build_embedding(config, dataset)
        self.encoder = self._build_encoder(config, config["n_layers"], self.max_seq_length)
        self.scores = self._build_scores(config)
        self.replace_targets = RandomReplacement(self.n_items, config["sse_target_prob"])
        self.apply(self._initialize)
        self.embedding.initialize(config["initializer_range"])

    @property
    def item_table(self) -> Tensor:
        return self.scores.table(self.embedding.items.table())

    def encode(
        self, item_seq: Tensor, last_only: bool = False, user: Tensor | None = None
    ) -> Tensor:
        keep = item_seq != PAD  # [B, w]
        return self.encoder(self.embedding(item_seq, keep, user), keep, last_only)

    @property
    def extends(self) -> bool:
        """Whether :meth:`remember` may be used: one more item changes no older state.

        Not where positions count from the end of a sequence, which every item moves.
        """
        slides = self.embedding.positions is None and self.embedding.users is None
        slides = slides and type(self.embedding) is SequenceEmbedding
        return slides and self.cloze is None and self.encoder.extends and self._plain

    @property
    def _plain(self) -> bool:
        """No class has its own way from a history to scores, which :meth:`remember` would miss."""
        return all(
            getattr(type(self), name) is getattr(ComposableRecommender, name) for name in _WAY
        )

    def remember(self, item_seq: Tensor, before: Memory | None = None) -> tuple[Tensor, Memory]:
        """The newest state [B, d] of sequences, and what to know of them when an item follows.

        Args:
            item_seq: right-aligned ids [B, w]; with ``before`` [B, 1], the item that followed.
        """
        new = item_seq != PAD
        x = self.embedding(item_seq, new)
        keep = new if before is None else torch.cat([before.keep, new], 1)
        state, inputs = self.encoder.remember(x, keep, before.inputs if before else None)
        return state.squeeze(1), Memory(keep, inputs)

    def queries(self, states: Tensor, user: Tensor) -> Tensor:
        users = self.embedding.users
        return self.scores.queries(states, None if users is None else users(user))

    def loss(
        self,
        queries: Tensor,
        targets: Tensor,
        weights: Tensor | None,
        read: Histories | None = None,
    ) -> Tensor:
        return super().loss(queries, self.replace_targets(targets), weights, read)

    def _build_embedding(self, config: Any, dataset: Any) -> SequenceEmbedding:
        post, size = config["norm_position"] == "post", config["hidden_size"]
        return SequenceEmbedding(
            items=self._build_items(config, dataset),
            max_length=self.max_seq_length,
            learned_positions=config["position_embedding"] == "learned",
            scale=config["scale_embedding"],
            dropout=config["hidden_dropout_prob"],
            norm=nn.LayerNorm(size, eps=config["layer_norm_eps"]) if post else None,
            users=self._build_users(config, dataset),
            replace_items=RandomReplacement(self.n_items, config["sse_item_prob"]),
            position_at_padding=config["position_at_padding"],
        )

    def _build_items(self, config: Any, dataset: Any) -> ItemEncoder:
        return build_item_encoder(config, dataset, self.n_embeddings, self.item_size)

    def _build_scores(self, config: Any) -> DotScores:
        if config["user_embedding"] == "concat":
            return UserScores(self.item_size, differences_only=config["loss_type"] == "CE")
        return build_scores(config)

    def _build_users(self, config: Any, dataset: Any) -> UserEmbedding | None:
        if config["user_embedding"] != "concat":
            return None
        size = config["hidden_size"] - self.item_size
        return UserEmbedding(dataset.num(self.USER_ID), size, config["sse_user_prob"])

    def _build_encoder(self, config: Any, n_layers: int, max_length: int) -> Encoder:
        return Encoder(
            n_layers=n_layers,
            hidden_size=config["hidden_size"],
            make_mixer=lambda: self._build_mixer(config, max_length),
            make_feed_forward=lambda: FeedForward(
                config["hidden_size"],
                config["inner_size"],
                config["hidden_act"],
                config["hidden_dropout_prob"],
            ),
            style=BlockStyle(
                norm_position=config["norm_position"],
                residual_from=config["residual_from"],
                value_input=config["value_input"],
                remask_padding=config["remask_padding"],
                mask_padding=config["mask_padding"],
                norm_eps=config["layer_norm_eps"],
                dropout=config["mixer_dropout_prob"],
            ),
            feed_forward_per_block=config["ffn_placement"] == "per_block",
            sublayers=config["attention_sum"] == "sublayers",
        )

    def _build_mixer(self, config: Any, max_length: int) -> Mixer:
        sublayers = None
        if config["attention_sum"] == "sublayers":
            sublayers = Sublayers(config["layer_norm_eps"], config["mixer_dropout_prob"])
        spec = MixerSpec(
            hidden_size=config["hidden_size"],
            max_length=max_length,
            n_heads=config["n_heads"],
            dropout=config["attn_dropout_prob"],
            causal=self.cloze is None,
            value_bias=config["value_bias"],
            output_projection=config["attn_output_projection"],
            factor_rank=config["factor_rank"],
            pattern=config["attention_pattern"],
            frequencies=config["filter_frequencies"],
            filter_both_ways=config["filter_direction"] == "both",
            shares=tuple(config["attention_shares"] or ()),
            sublayers=sublayers,
            mask_after_softmax=config["mask_after_softmax"],
            leak_padding=not config["remask_padding"],
            unused_qk_projections=config["unused_qk_projections"],
            position_bias=config["position_bias"],
            n_local_heads=config["n_local_heads"],
            local_attention=config["local_attention"],
            local_window=config["local_window"],
        )
        return build_mixer(config["attention"], spec)

    @staticmethod
    def _initialize(module: nn.Module) -> None:
        """Xavier-normal maps without bias; mixers' own tables keep what their files say."""
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
