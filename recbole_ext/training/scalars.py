"""TensorBoard scalars of a run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from recbole_ext.signals import deferred


class Scalars:
    """A TensorBoard writer that makes its folder with the first scalar.

    A run that is only loaded writes nothing, and does not spend a second on importing TensorBoard.
    Its writer hands on to a thread through a queue: an interrupt waits until that is done.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Note ``value`` of the curve ``name`` at ``step``."""
        with deferred():
            if self._writer is None:
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(str(self._folder))
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Put on disk what is noted so far."""
        if self._writer is not None:
            with deferred():
                self._writer.flush()

    def close(self) -> None:
        """Flush, and end the writer's thread; on a full disk the checkpoint has said so."""
        if self._writer is not None:
            with deferred(), suppress(OSError):
                self._writer.close()
            self._writer = None
