"""A sequence encoder that is a model of ``transformers``."""

from __future__ import annotations

from torch import Tensor, nn

from recbole_ext.nn.attending import Attending, Attention
from recbole_ext.nn.backbone.attention import attention_of
from recbole_ext.nn.backbone.build import build_model
from recbole_ext.nn.backbone.families import has_no_name_for
from recbole_ext.nn.backbone.layout import look
from recbole_ext.nn.backbone.spec import BackboneSpec
from recbole_ext.nn.backbone.trial import tried
from recbole_ext.nn.dropout import Dropout


class HuggingFaceEncoder(Attending):
    """Item embeddings -> states, through ``AutoModel`` of a family with random weights.

    AR and AE networks of one ``spec`` have the same parameters, and differ in what each state may
    see. Families that drop no embeddings get a dropout in front.

    Raises:
        BackboneError: the family cannot be built, or cannot look where ``spec.causal`` wants.
    """

    def __init__(self, spec: BackboneSpec) -> None:
        super().__init__()
        trial = tried(spec)
        self.causal = spec.causal
        self.sight = trial.sight
        own = "hidden_dropout" in has_no_name_for(spec.family)
        self.dropout = Dropout(spec.hidden_dropout) if own else nn.Identity()
        self.model = build_model(spec)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name not in trial.idle)

    def forward(self, x: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        """x [B, w, d], keep [B, w] -> [B, w, d]; with ``last_only`` [B, 1, d], its last slot.

        Padding may stand on either side; its states are finite and mean nothing.
        """
        return look(self.model, self.sight, self.dropout(x), keep, self.causal, last_only)

    def attention(  # type: ignore[override]
        self, x: Tensor, keep: Tensor, last_only: bool = False
    ) -> Attention:
        """Raises ``NoAttentionError`` where the family gives no attention weights."""
        return Attention(attention_of(self.model, self.sight, x, keep, self.causal), keep)
