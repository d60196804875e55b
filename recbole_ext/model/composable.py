"""The composable recommender: every axis a YAML key, every named model a choice of them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from recbole_ext.model.base import NextItemRecommender
from recbole_ext.nn.attention import Mixer, MixerSpec, build_mixer
from recbole_ext.nn.block import BlockStyle
from recbole_ext.nn.embedding import PAD, SequenceEmbedding
from recbole_ext.nn.encoder import Encoder
from recbole_ext.nn.feed_forward import FeedForward


class ComposableRecommender(NextItemRecommender):
    """Embedding -> blocks of mixer and feed-forward network -> scores against tied embeddings.

    The keys and what each does are listed in ``properties/model/ComposableRecommender.yaml``.
    """

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.embedding = self._build_embedding(config)
        self.encoder = self._build_encoder(config)
        self.apply(self._initialize)
        self.embedding.initialize(config["initializer_range"])

    @property
    def item_table(self) -> Tensor:
        return self.embedding.items.weight

    def encode(self, item_seq: Tensor, last_only: bool = False) -> Tensor:
        keep = item_seq != PAD  # [B, w]
        return self.encoder(self.embedding(item_seq, keep), keep, last_only)

    def _build_embedding(self, config: Any) -> SequenceEmbedding:
        post = config["norm_position"] == "post"
        size = config["hidden_size"]
        return SequenceEmbedding(
            n_items=self.n_items,
            hidden_size=size,
            max_length=self.max_seq_length,
            learned_positions=config["position_embedding"] == "learned",
            scale=config["scale_embedding"],
            dropout=config["hidden_dropout_prob"],
            norm=nn.LayerNorm(size, eps=config["layer_norm_eps"]) if post else None,
        )

    def _build_encoder(self, config: Any) -> Encoder:
        return Encoder(
            n_layers=config["n_layers"],
            hidden_size=config["hidden_size"],
            make_mixer=lambda: self._build_mixer(config),
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
                norm_eps=config["layer_norm_eps"],
                dropout=config["mixer_dropout_prob"],
            ),
            feed_forward_per_block=config["ffn_placement"] == "per_block",
        )

    def _build_mixer(self, config: Any) -> Mixer:
        spec = MixerSpec(
            hidden_size=config["hidden_size"],
            max_length=self.max_seq_length,
            n_heads=config["n_heads"],
            dropout=config["attn_dropout_prob"],
            value_bias=config["value_bias"],
            output_projection=config["attn_output_projection"],
            factor_rank=config["factor_rank"],
            pattern=config["attention_pattern"],
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
