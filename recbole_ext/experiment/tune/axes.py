"""What a key of a search space may be: one of some values, or a number of a range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Axis(Protocol):
    """The values of one key."""

    @property
    def count(self) -> float:
        """How many values there are; infinity for a continuous range."""

    def draw(self, rng: Random) -> Any:
        """One of them, at random."""

    def probes(self) -> list[Any]:
        """Those to check before anything is trained: all, or the ends of a range."""

    def distribution(self) -> BaseDistribution:
        """The same for Optuna."""

    def encode(self, value: Any) -> Any:
        """What Optuna knows ``value`` as; ValueError where it is none of the axis."""

    def decode(self, known: Any) -> Any:
        """Undo :meth:`encode`."""


@dataclass(frozen=True)
class Choice:
    """One of ``values``, all equally likely."""

    values: tuple[Any, ...]

    @property
    def count(self) -> float:
        return len(self.values)

    def draw(self, rng: Random) -> Any:
        return rng.choice(self.values)

    def probes(self) -> list[Any]:
        return list(self.values)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(range(len(self.values)))  # a value may be a list

    def encode(self, value: Any) -> Any:
        return self.values.index(value)

    def decode(self, known: Any) -> Any:
        return self.values[known]


@dataclass(frozen=True)
class Float:
    """A number of [low, high]; ``log``: its logarithm is uniform; ``step``: multiples above low."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def count(self) -> float:
        return math.inf if self.step is None else self._steps + 1

    @property
    def _steps(self) -> int:
        assert self.step is not None
        return math.floor((self.high - self.low) / self.step + 1e-9)

    def draw(self, rng: Random) -> float:
        if self.step is not None:
            return self._rounded(self.low + self.step * rng.randint(0, self._steps))
        if self.log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = rng.uniform(self.low, self.high)
        return min(max(self._rounded(value), self.low), self.high)

    def probes(self) -> list[Any]:
        return [self.low, self._highest]

    @property
    def _highest(self) -> float:
        """The largest that can be drawn: steps need not end at ``high``."""
        if self.step is None:
            return self.high
        return self._rounded(self.low + self.step * self._steps)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self._highest, log=self.log, step=self.step)

    def encode(self, value: Any) -> Any:
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ValueError(f"{value} is outside [{self.low}, {self.high}]")
        return float(value)

    def decode(self, known: Any) -> Any:
        return min(max(self._rounded(known), self.low), self.high)

    @staticmethod
    def _rounded(value: float) -> float:
        """Six digits: enough, and what a table can show."""
        return float(f"{value:.6g}")


@dataclass(frozen=True)
class Int:
    """A whole number of [low, high]; ``log`` and ``step`` as of :class:`Float`."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    @property
    def count(self) -> float:
        return (self.high - self.low) // self.step + 1

    def draw(self, rng: Random) -> int:
        if self.log:
            exact = math.exp(rng.uniform(math.log(self.low), math.log(self.high + 1)))
            return min(max(math.floor(exact), self.low), self.high)
        return self.low + self.step * rng.randrange(int(self.count))

    def probes(self) -> list[Any]:
        return [self.low, self._highest]

    @property
    def _highest(self) -> int:
        """The largest that can be drawn: steps need not end at ``high``."""
        return self.low + self.step * (int(self.count) - 1)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self._highest, log=self.log, step=self.step)

    def encode(self, value: Any) -> Any:
        if not isinstance(value, int) or not self.low <= value <= self.high:
            raise ValueError(f"{value} is outside [{self.low}, {self.high}]")
        return value

    def decode(self, known: Any) -> Any:
        return int(known)
