"""Times whole epochs, or some batches of an epoch that would take too long."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan
from statistics import median
from time import perf_counter


class EpochClock:
    """To be told when epochs and batches begin and end; the first of each warms up.

    A batch lasts from the end of the one before to its own: the loading of its data is counted.

    Args:
        batches: how many to time before the first epoch is judged.
        longest_epoch: in seconds; a longer one is extrapolated instead of waited for.
        now: a clock in seconds.
    """

    def __init__(
        self, batches: int, longest_epoch: float, now: Callable[[], float] = perf_counter
    ) -> None:
        self.batches, self.longest_epoch, self.now = batches, longest_epoch, now
        self.epochs: list[float] = []  # seconds of every finished one
        self.ends: list[float] = []  # of the batches of the first epoch, as far as needed
        self.first_batch = nan  # when it started; until then not a number
        self._started = 0.0

    def epoch_starts(self) -> None:
        self._started = self.now()

    def batch_starts(self) -> None:
        """Only the first one counts: preparation ends there."""
        if isnan(self.first_batch):
            self.first_batch = self.now()

    def batch_ends(self, per_epoch: float) -> bool:
        """Whether training is to stop; ``per_epoch``: batches in an epoch, the last a fraction."""
        if self.epochs or len(self.ends) > self.batches:
            return False
        self.ends.append(self.now())
        timed = len(self.ends) > self.batches
        return timed and self.seconds_per_batch() * per_epoch > self.longest_epoch

    def epoch_ends(self) -> None:
        self.epochs.append(self.now() - self._started)

    def seconds_per_batch(self) -> float:
        return (self.ends[-1] - self.ends[0]) / (len(self.ends) - 1)

    def reading(self, per_epoch: float, stopped: bool) -> tuple[float, str]:
        """Seconds of an epoch, and how they came about; ``stopped``: as :meth:`batch_ends` said."""
        if stopped:
            whole = f"an epoch has {per_epoch:,.1f}"
            words = f"extrapolated from {len(self.ends) - 1} batches ({whole})"
            return self.seconds_per_batch() * per_epoch, words
        return median(self.epochs[1:]), f"median of {len(self.epochs) - 1} epochs"
