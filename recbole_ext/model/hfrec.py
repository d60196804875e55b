"""HFRec: a sequence model of the package ``transformers`` as a recommender, random weights.

The backbones of 'AE or AR attention': Llama, ALBERT, XLNet (Transformer-XL's relative attention),
and any other family that takes ``inputs_embeds``. Keys: ``properties/model/HFRec.yaml``.
"""

from __future__ import annotations

from logging import getLogger
from typing import Any

from torch import Tensor

from recbole_ext.errors import ConfigError
from recbole_ext.model.base import NextItemRecommender
from recbole_ext.model.items import build_item_encoder
from recbole_ext.nn.backbone import (
    KEYS,
    BackboneError,
    BackboneSpec,
    HuggingFaceEncoder,
    has_no_name_for,
)
from recbole_ext.nn.embedding import PAD
from recbole_ext.nn.scores import build_scores

# Where a family has no name for one of these, the library itself sees to it.
_NEVER_IDLE = ("max_length", "hidden_dropout")


class HFRec(NextItemRecommender):
    """Item embeddings -> a backbone -> scores against the same item embeddings.

    The backbone's own vocabulary is taken out. Its blocks, norms, positions and initial weights
    are the family's; ``direction`` says what each state may see (``ar`` where it is absent). Items
    may have features and given vectors, and scores be cosines, as of ``ComposableRecommender``.
    """

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        spec = BackboneSpec.from_settings(config.__getitem__)
        self.items = build_item_encoder(config, dataset, self.n_embeddings, spec.hidden_size)
        self.scores = build_scores(config)
        self.encoder = _encoder(spec)
        self.items.initialize(spec.initializer_range)
        _tell_idle_keys(spec.family)

    @property
    def item_table(self) -> Tensor:
        return self.scores.table(self.items.table())

    def encode(
        self, item_seq: Tensor, last_only: bool = False, user: Tensor | None = None
    ) -> Tensor:
        return self.encoder(self.items(item_seq), item_seq != PAD, last_only)

    def queries(self, states: Tensor, user: Tensor) -> Tensor:
        return self.scores.queries(states, None)


def _encoder(spec: BackboneSpec) -> HuggingFaceEncoder:
    """The backbone; a configuration that was not checked beforehand is told here."""
    try:
        return HuggingFaceEncoder(spec)
    except BackboneError as error:
        raise ConfigError(f"backbone: '{spec.family}' {error}") from error


def _tell_idle_keys(family: str) -> None:
    idle = [KEYS.get(size, size) for size in has_no_name_for(family) if size not in _NEVER_IDLE]
    if idle:
        getLogger(__name__).info("backbone %s has no %s of its own", family, ", ".join(idle))
