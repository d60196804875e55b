"""Being told to stop: Ctrl-C, and SIGTERM, which schedulers and `kill` send, as if it were that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def interrupt(number: int, frame: Any) -> None:
    """A handler. Raises KeyboardInterrupt."""
    raise KeyboardInterrupt


@contextmanager
def handling(handler: Callable[[int, Any], None], *numbers: int) -> Iterator[None]:
    """``handler`` for these signals in the block.

    In another thread than the main one, or where a signal is ignored, nothing changes.
    """
    main = threading.current_thread() is threading.main_thread()
    heard = [number for number in numbers if main and signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def deferred() -> Iterator[None]:
    """Ctrl-C and SIGTERM of the block are heard at its end.

    For what takes a ``threading.Condition``, as queues do: an interrupt in its ``__enter__``, which
    is Python, leaves the lock taken for good, and whoever takes it next waits for ever.
    """
    came: list[int] = []
    try:
        with handling(lambda number, _: came.append(number), signal.SIGINT, signal.SIGTERM):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)


class Interrupt:
    """Remembers that it came until somebody has raised it to where it is heard.

    Where it cannot be raised, in a destructor, as Ray has them, Python swallows it.
    """

    def __init__(self) -> None:
        self._came = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Ctrl-C or SIGTERM in the block ends it, at its end at the latest."""
        with handling(self._come, signal.SIGINT, signal.SIGTERM):
            yield
            self.raise_lost()

    def raise_lost(self) -> None:
        """Raise the KeyboardInterrupt that has come and was swallowed, if one was."""
        if self._came:
            raise KeyboardInterrupt

    def _come(self, number: int, frame: Any) -> None:
        self._came = True
        raise KeyboardInterrupt
