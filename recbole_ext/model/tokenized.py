"""TokenizedSASRec: tokenisation reversed, items as M codes of K (arXiv 2504.09596, section 5).

The paper proposes it and measures nothing. How items are scored follows RecJPQ (arXiv 2312.06165)
and PQTopK (arXiv 2408.09992). Keys: ``properties/model/TokenizedSASRec.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.item_codes import item_codes
from recbole_ext.model.composable import ComposableRecommender
from recbole_ext.nn.catalogue import Catalogue, CodeCatalogue
from recbole_ext.nn.codes import Banned, CodePart
from recbole_ext.nn.embedding import ItemEncoder

_CODES = "embedding.items.parts.0.codes"  # in a state_dict


class TokenizedSASRec(ComposableRecommender):
    """SASRec whose items are sums (or concatenations) of code vectors, learned from scratch.

    The codes are fixed before training and saved with the model. Items are scored by partial sums;
    only with ``item_id_embedding``, which has a row for each item anyway, by a table.
    """

    @classmethod
    def hand_over(cls, saved: Mapping[str, Tensor], dataset: Any) -> None:
        codes = saved.get(_CODES)
        if codes is not None:
            dataset.saved_codes = codes[: dataset.item_num]

    @property
    def catalogue(self) -> Catalogue:
        items = self.embedding.items
        if items.weight is not None:
            return super().catalogue
        return CodeCatalogue(cast(CodePart, items.parts[0]))

    def top_items(
        self, interaction: Interaction, k: int, banned: Banned | None = None
    ) -> tuple[Tensor, Tensor]:
        """Scores [B, k] and ids [B, k] of the best next items; -inf where nothing is left.

        Args:
            banned: (rows, item ids) that must not be recommended.
        """
        return self.catalogue.top(self._newest_queries(interaction), self.n_items, k, banned)

    def _build_items(self, config: Any, dataset: Any) -> ItemEncoder:
        codes, ids = item_codes(config, dataset), config["item_id_embedding"]
        concat = config["code_combination"] == "concat"
        part = CodePart(codes.values, codes.size, self.item_size, concat)
        n_apart = self.n_embeddings - self.n_items
        return ItemEncoder(
            self.n_embeddings, self.item_size, [part], learned_ids=ids, n_apart=n_apart
        )
