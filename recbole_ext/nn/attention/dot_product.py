"""Scaled dot-product attention, as in SASRec (Kang and McAuley 2018)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer, MixerSpec, visible_keys


class DotProductAttention(Mixer):
    """softmax(Q Kᵀ / √(d/h)) V over the real keys in sight. 3·d² parameters without biases."""

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.query = nn.Linear(spec.hidden_size, spec.hidden_size)
        self.key = nn.Linear(spec.hidden_size, spec.hidden_size)

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        query = self.split_heads(self.query(x[:, -1:] if last_only else x))  # [B, h, q, d/h]
        value = self.value(values)  # [B, w, d]
        key, by_head = self.split_heads(self.key(x)), self.split_heads(value)
        allowed = self.allowed(keep, query.shape[2])
        if self.training and self.dropout.p > 0.0 and x.device.type == "cpu":
            # With dropout torch has no fused kernel on a CPU, and its dropout is slow there.
            mixed = self.dropout(self._softmax(query, key, allowed)) @ by_head
        else:
            p = self.dropout.p if self.training else 0.0
            mixed = F.scaled_dot_product_attention(query, key, by_head, allowed, dropout_p=p)
        return self.finish(mixed, value, keep)

    def _softmax(self, query: Tensor, key: Tensor, allowed: Tensor) -> Tensor:
        """[B, h, q, w] attention weights."""
        scores = query @ key.transpose(-1, -2) * self.spec.head_size**-0.5
        return scores.masked_fill(~allowed, float("-inf")).softmax(-1)

    def allowed(self, keep: Tensor, queries: int) -> Tensor:
        """[B, 1, q, w] bool. A slot always sees itself, so that no row of the softmax is empty."""
        width = keep.shape[1]
        visible = visible_keys(width, queries, self.spec.causal, keep.device)
        own = torch.eye(width, dtype=torch.bool, device=keep.device)[-queries:]
        return (visible & keep[:, None, None, :]) | own

    def weights(self, x: Tensor, keep: Tensor) -> Tensor:
        """The attention matrices [B, h, w, w], for analysis: rows of padded positions are 0."""
        query, key = self.split_heads(self.query(x)), self.split_heads(self.key(x))
        weights = self._softmax(query, key, self.allowed(keep, keep.shape[1]))
        return weights * keep[:, None, :, None]
