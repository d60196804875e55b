"""A Ctrl-C is heard, wherever it comes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from recbole_ext.signals import Interrupt


class Swallows:
    """As Ray's objects do: what a destructor raises is printed and forgotten."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def _raised_as_ever() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_is_swallowed_ends_the_block() -> None:
    done, interrupt = [], Interrupt()
    with pytest.raises(KeyboardInterrupt), interrupt.heard():
        Swallows()
        done.append("went on")
    assert done == ["went on"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_is_swallowed_is_raised_where_it_is_asked_for() -> None:
    interrupt = Interrupt()
    with pytest.raises(KeyboardInterrupt), interrupt.heard():
        Swallows()
        interrupt.raise_lost()
        pytest.fail("it was lost")


def test_one_that_is_raised_is_raised_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupt().heard():
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("it was lost")


def test_none_changes_nothing() -> None:
    with Interrupt().heard():
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interrupt().heard():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
