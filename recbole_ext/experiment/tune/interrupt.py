"""Ctrl-C that comes where it cannot be raised: a destructor, as Ray has them, swallows it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupt:
    """Remembers a Ctrl-C until somebody has raised it to where it is heard."""

    def __init__(self) -> None:
        self._came = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """A Ctrl-C in the block ends it, at its end at the latest.

        In another thread than the main one, or where the signal is ignored, nothing changes.
        """
        before = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        if not main or before is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGINT, self._come)
        try:
            yield
            self.raise_lost()
        finally:
            signal.signal(signal.SIGINT, before)

    def raise_lost(self) -> None:
        """Raise the KeyboardInterrupt that has come and was swallowed, if one was."""
        if self._came:
            raise KeyboardInterrupt

    def _come(self, number: int, frame: Any) -> None:
        self._came = True
        raise KeyboardInterrupt
