"""Scaled dot-product attention, as in SASRec (Kang and McAuley 2018); some heads may be local."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.attention.base import Mixer, MixerSpec, visible_keys
from recbole_ext.nn.attention.distance import n_distances, spread
from recbole_ext.nn.attention.local import LocalScores, LocalValues, build_local
from recbole_ext.nn.attention.rotary import rotate

POSITION_BIASES = ("none", "rotary", "relative")


@dataclass(frozen=True)
class Heads:
    """Some heads that attend in the same way.

    Attributes:
        query: [B, g, q, d/h].
        key: [B, g, w, d/h].
        value: [B, g, w, d/h].
        bias: [g, q, w], added to the scaled scores, or None.
        local: what changes the scores then, or None.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    bias: Tensor | None
    local: LocalScores | None = None

    def __getitem__(self, part: slice) -> Heads:
        """Some of them."""
        bias = None if self.bias is None else self.bias[part]
        return Heads(self.query[:, part], self.key[:, part], self.value[:, part], bias)

    @property
    def plain(self) -> bool:
        """Whether torch's fused attention computes them."""
        return self.bias is None and self.local is None

    def weights(self, allowed: Tensor) -> Tensor:
        """allowed [B, 1, q, w] bool -> attention weights [B, g, q, w]."""
        scores = self.query @ self.key.transpose(-1, -2) * self.query.shape[-1] ** -0.5
        if self.bias is not None:
            scores = scores + self.bias
        if self.local is not None:
            scores = self.local(scores, self.value)
        return scores.masked_fill(~allowed, float("-inf")).softmax(-1)


class DotProductAttention(Mixer):
    """softmax(Q Kᵀ / √(d/h)) V over the real keys in sight. 3·d² parameters without biases.

    The first ``n_local_heads`` heads are local (LOCKER): their scores are changed, or a local
    mixing of values takes the place of their attention, without queries and keys then.

    ``position_bias``, of all heads with scores: ``rotary`` turns queries and keys by their slots;
    ``relative`` adds b[i - j], b [h, n] (causal) or [h, 2n-1] learned from 0, distances beyond n
    clamped, to the scaled scores (T5, Raffel et al. 2020, without its buckets).
    """

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        local = build_local(spec) if spec.n_local_heads else None
        without_scores = spec.n_local_heads if isinstance(local, LocalValues) else 0
        self.scoring_heads = spec.n_heads - without_scores
        if self.scoring_heads:
            self.query = nn.Linear(spec.hidden_size, self.scoring_heads * spec.head_size)
            self.key = nn.Linear(spec.hidden_size, self.scoring_heads * spec.head_size)
        self.by_distance = self._relative_bias()
        self.local_scores = local if isinstance(local, LocalScores) else None
        self.local_values = local if isinstance(local, LocalValues) else None

    def forward(self, x: Tensor, values: Tensor, keep: Tensor, last_only: bool = False) -> Tensor:
        queries = 1 if last_only else x.shape[1]
        value = self.value(values)  # [B, w, d]
        by_head = self.split_heads(value)
        parts = []
        if self.local_values is not None:
            local = by_head[:, : self.spec.n_local_heads]
            parts.append(self.local_values(local, keep, queries))
        if self.scoring_heads:
            allowed = self.allowed(keep, queries)
            parts += [self._attend(group, allowed) for group in self._groups(x, by_head, queries)]
        return self.finish(parts[0] if len(parts) == 1 else torch.cat(parts, 1), value, keep)

    @property
    def extends(self) -> bool:
        return self.spec.causal and not self.spec.n_local_heads

    def _relative_bias(self) -> nn.Parameter | None:
        if self.spec.position_bias != "relative" or not self.scoring_heads:
            return None
        reach = n_distances(self.spec.max_length, self.spec.causal)
        return nn.Parameter(torch.zeros(self.scoring_heads, reach))

    def _groups(self, x: Tensor, by_head: Tensor, queries: int) -> list[Heads]:
        """The heads with scores: the local ones apart, since only their scores are changed."""
        heads = self._heads(x, by_head, queries)
        if self.local_scores is None:
            return [heads]
        n_local = self.spec.n_local_heads
        near = replace(heads[:n_local], local=self.local_scores)
        return [near] if n_local == self.scoring_heads else [near, heads[n_local:]]

    def _heads(self, x: Tensor, by_head: Tensor, queries: int) -> Heads:
        """x [B, w, d], values by_head [B, h, w, d/h] -> all heads with scores."""
        query = self.split_heads(self.query(x[:, -queries:]))  # [B, s, q, d/h]
        key, value = self.split_heads(self.key(x)), by_head[:, -self.scoring_heads :]
        if self.spec.position_bias == "rotary":
            query, key = rotate(query), rotate(key)
        bias = None
        if self.by_distance is not None:
            reach = (self.spec.max_length, self.spec.causal)
            bias = spread(self.by_distance, queries, x.shape[1], *reach)
        return Heads(query, key, value, bias)

    def _attend(self, heads: Heads, allowed: Tensor) -> Tensor:
        """[B, g, q, d/h]. With dropout torch has no fused kernel on a CPU, and its own is slow."""
        dropped = self.training and self.dropout.p > 0.0
        if not heads.plain or (dropped and allowed.device.type == "cpu"):
            return self.dropout(heads.weights(allowed)) @ heads.value
        p = self.dropout.p if self.training else 0.0
        return F.scaled_dot_product_attention(
            heads.query, heads.key, heads.value, allowed, dropout_p=p
        )

    def allowed(self, keep: Tensor, queries: int) -> Tensor:
        """[B, 1, q, w] bool. A slot always sees itself, so that no row of the softmax is empty."""
        width = keep.shape[1]
        visible = visible_keys(width, queries, self.spec.causal, keep.device)
        own = torch.eye(width, dtype=torch.bool, device=keep.device)[-queries:]
        return (visible & keep[:, None, None, :]) | own

    def weights(self, x: Tensor, keep: Tensor, values: Tensor | None = None) -> Tensor:
        """[B, s, w, w] of the s heads that attend: conv and rnn heads have no weights."""
        width = keep.shape[1]
        if not self.scoring_heads:
            return x.new_zeros(x.shape[0], 0, width, width)
        allowed = self.allowed(keep, width)
        by_head = self.split_heads(self.value(x if values is None else values))
        groups = self._groups(x, by_head, width)
        weights = torch.cat([group.weights(allowed) for group in groups], 1)
        return weights * keep[:, None, :, None]
