"""A short recurrent network in place of a head's attention (LOCKER's fixed-depth RNN)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_ext.nn.attention.base import MixerSpec
from recbole_ext.nn.attention.local.base import LocalValues


class Recurrence(LocalValues):
    """The final state of a GRU that reads the last w items, the own one included.

    Under AE a second GRU reads the next w items from the far end to the own slot, and the two
    states are averaged. (The released code reads ahead under AR too.)
    """

    uses_window = True

    def __init__(self, spec: MixerSpec) -> None:
        super().__init__(spec)
        self.past = WindowGRU(spec.n_local_heads, spec.head_size, spec.local_window)
        self.future = (
            None
            if spec.causal
            else WindowGRU(spec.n_local_heads, spec.head_size, spec.local_window, reverse=True)
        )

    def forward(self, value: Tensor, keep: Tensor, queries: int) -> Tensor:
        past = self.past(value, keep, queries)
        return past if self.future is None else (past + self.future(value, keep, queries)) / 2


class WindowGRU(nn.Module):
    """A GRU (Cho et al. 2014) a head, started anew at 0 for the window of each slot.

    All windows advance together, step by step; the input's part of the gates is made once for each
    slot, not for each window. Padded slots leave the state as it is.

    Args:
        n_heads: number of heads.
        size: d/h, of the input and of the state.
        window: items read.
        reverse: the windows begin at their slot and are read from the far end.
    """

    def __init__(self, n_heads: int, size: int, window: int, reverse: bool = False) -> None:
        super().__init__()
        self.reach = window - 1
        self.reverse = reverse
        bound = size**-0.5  # torch's start of a GRU
        self.input = _uniform(bound, n_heads, size, 3 * size)
        self.input_bias = _uniform(bound, n_heads, 1, 3 * size)
        self.state = _uniform(bound, n_heads, size, 3 * size)
        self.state_bias = _uniform(bound, n_heads, 1, 3 * size)

    def forward(self, value: Tensor, keep: Tensor, queries: int) -> Tensor:
        """value [B, h, w, size], keep [B, w] -> the newest q states [B, h, q, size]."""
        near = value[:, :, -(queries if self.reverse else queries + self.reach) :]
        missing = queries + self.reach - near.shape[2]
        sides = (0, missing) if self.reverse else (missing, 0)
        gates = F.pad(near @ self.input + self.input_bias, (0, 0, *sides))
        real = F.pad(keep[:, None, -near.shape[2] :, None], (0, 0, *sides))
        steps = range(self.reach + 1)
        state = value.new_zeros(*value.shape[:2], queries, value.shape[-1])
        for start in reversed(steps) if self.reverse else steps:
            slots = slice(start, start + queries)
            state = torch.where(real[:, :, slots], self._step(gates[:, :, slots], state), state)
        return state

    def _step(self, gates: Tensor, state: Tensor) -> Tensor:
        """r and z mix what comes in with the state; n is the candidate: h' = n + z (h - n)."""
        reset_in, update_in, new_in = gates.chunk(3, -1)
        reset, update, new = (state @ self.state + self.state_bias).chunk(3, -1)
        candidate = torch.tanh(new_in + torch.sigmoid(reset_in + reset) * new)
        return candidate + torch.sigmoid(update_in + update) * (state - candidate)


def _uniform(bound: float, *shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
