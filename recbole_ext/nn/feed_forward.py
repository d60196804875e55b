"""The position-wise feed-forward network."""

from __future__ import annotations

from torch import Tensor, nn

from recbole_ext.nn.dropout import Dropout

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


class FeedForward(nn.Module):
    """d -> inner -> d with dropout after each map (arXiv 2407.02793, Eq. 8)."""

    def __init__(self, hidden_size: int, inner_size: int, activation: str, dropout: float) -> None:
        super().__init__()
        self.expand = nn.Linear(hidden_size, inner_size)
        self.activation = ACTIVATIONS[activation]()
        self.contract = nn.Linear(inner_size, hidden_size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[..., d] -> [..., d]."""
        hidden = self.dropout(self.activation(self.expand(x)))
        return self.dropout(self.contract(hidden))
