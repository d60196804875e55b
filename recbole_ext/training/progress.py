"""What a training remembers of its epochs, and what it tells of a validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Progress:
    """What early stopping and the report remember; saved with every resume state."""

    epoch: int = -1
    best_epoch: int = -1
    best_score: float | None = None
    best_metrics: dict[str, float] = field(default_factory=dict)
    without_gain: int = 0
    seconds: float = 0.0  # of all epochs, validations included, over every process that trained
    epoch_seconds: list[float] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def of(cls, saved: dict[str, Any]) -> Progress:
        """What ``asdict`` made of one. Raises TypeError where it has other fields or types."""
        progress = cls(**saved)
        wanted = {name: type(value) for name, value in asdict(cls()).items()}
        wanted["best_score"] = float if progress.best_score is not None else type(None)
        for name, kind in wanted.items():
            if type(getattr(progress, name)) is not kind:
                raise TypeError(f"its {name} is no {kind.__name__}")
        return progress

    def told(self, metric: str) -> str:
        """``epoch 4, best NDCG@10 0.0123 in epoch 3``: how far it is."""
        if self.best_score is None:
            return f"epoch {self.epoch}"
        return f"epoch {self.epoch}, best {metric} {self.best_score:.4f} in epoch {self.best_epoch}"

    def note_epoch(self, loss: float, seconds: float, learning_rate: float) -> None:
        """Note an epoch trained; ``seconds`` without evaluation."""
        self.epoch_seconds.append(seconds)
        named = {"epoch": self.epoch, "loss": loss, "seconds": seconds}
        self.history.append({**named, "learning_rate": learning_rate})

    def take(self, score: float, metrics: dict[str, float], bigger: bool) -> bool:
        """Note a validation; true if it is the best so far, in full precision."""
        best = self.best_score
        better = best is None or (score > best if bigger else score < best)
        if better:
            self.best_epoch, self.best_score, self.best_metrics = self.epoch, score, metrics
        if self.history:
            self.history[-1].update(metrics)
        self.without_gain = 0 if better else self.without_gain + 1
        return better


@dataclass(frozen=True)
class Validation:
    """What one validation has found.

    Attributes:
        epochs: trained so far.
        score: of ``valid_metric``, unrounded.
        metrics: all of them, both protocols.
    """

    epochs: int
    score: float
    metrics: dict[str, float]


OnValidation = Callable[[Validation], None]
