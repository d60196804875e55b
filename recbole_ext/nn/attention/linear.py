"""Causal linear attention (Katharopoulos et al. 2020, arXiv 2006.16236)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer, MixerSpec, visible_keys

# Up to this length the quadratic form is faster and smaller than prefix sums of d x d matrices.
QUADRATIC_UP_TO = 500
CHUNK = 128
# Far below any sum of φ(q)·φ(k) in training; its inverse and its gradient's square fit float32.
SMALLEST_TOTAL = 1e-6


def feature_map(x: Tensor) -> Tensor:
    """φ(x) = elu(x) + 1, Eq. 7 of the paper: positive, so that the normaliser is."""
    return F.elu(x) + 1.0


class LinearAttention(Mixer):
    """out_i = Σ_j (φ(q_i)·φ(k_j)) v_j / Σ_j φ(q_i)·φ(k_j) over the real keys in sight.

    Dropout of weights: beyond ``QUADRATIC_UP_TO`` causal slots only those of the query's own chunk,
    since the others are never formed.
    """

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.query = nn.Linear(spec.hidden_size, spec.hidden_size)
        self.key = nn.Linear(spec.hidden_size, spec.hidden_size)

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        query = feature_map(self.split_heads(self.query(x[:, -1:] if last_only else x)))
        key = feature_map(self.split_heads(self.key(x))) * keep[:, None, :, None]
        value = self.value(values)  # [B, w, d]
        if x.shape[1] <= QUADRATIC_UP_TO or last_only or not self.spec.causal:
            mixed = self._quadratic(query, key, self.split_heads(value))
        else:
            mixed = self._by_chunks(query, key, self.split_heads(value))
        return self.finish(mixed, value, keep)

    def weights(self, x: Tensor, keep: Tensor, values: Tensor | None = None) -> Tensor:
        query = feature_map(self.split_heads(self.query(x)))
        key = feature_map(self.split_heads(self.key(x))) * keep[:, None, :, None]
        shares = self._shares(query, key)
        return shares / _at_least_tiny(shares.sum(-1, keepdim=True)) * keep[:, None, :, None]

    def _shares(self, query: Tensor, key: Tensor) -> Tensor:
        """[B, h, q, w], not yet normalised."""
        shares = query @ key.transpose(-1, -2)
        queries, width = shares.shape[-2:]
        return shares * visible_keys(width, queries, self.spec.causal, shares.device)

    @property
    def extends(self) -> bool:
        return self.spec.causal

    def _quadratic(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        shares = self._shares(query, key)
        return self.dropout(shares) @ value / _at_least_tiny(shares.sum(-1, keepdim=True))

    def _by_chunks(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Prefix sums between chunks, the quadratic form inside: memory linear in the length."""
        state = key.new_zeros(*key.shape[:2], key.shape[-1], value.shape[-1])  # Σ φ(k) vᵀ
        total = key.new_zeros(*key.shape[:2], key.shape[-1], 1)  # Σ φ(k)
        parts = []
        chunks = (part.split(CHUNK, 2) for part in (query, key, value))
        for q, k, v in zip(*chunks, strict=True):
            shares = (q @ k.transpose(-1, -2)).tril()
            mixed = q @ state + self.dropout(shares) @ v
            norm = q @ total + shares.sum(-1, keepdim=True)
            parts.append(mixed / _at_least_tiny(norm))
            state = state + k.transpose(-1, -2) @ v
            total = total + k.sum(2).unsqueeze(-1)
        return torch.cat(parts, dim=2)


def _at_least_tiny(total: Tensor) -> Tensor:
    """A padded row has no keys; φ of a very negative query or key is 0. Neither may give a nan."""
    return total.clamp(min=SMALLEST_TOTAL)
