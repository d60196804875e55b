"""A Ctrl-C is heard, wherever it comes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from recbole_ext.signals import Interrupt, deferred, handling, interrupt
from recbole_ext.training.scalars import Scalars


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_deferred_is_heard_behind_the_block(number: int) -> None:
    done: list[str] = []
    with (
        handling(interrupt, number),
        pytest.raises(KeyboardInterrupt),
        deferred(),
    ):
        os.kill(os.getpid(), number)
        done.append("went on")
    assert done == ["went on"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_that_is_deferred_is_heard_though_the_block_fails() -> None:
    with pytest.raises(KeyboardInterrupt) as heard, deferred():
        os.kill(os.getpid(), signal.SIGINT)
        raise OSError("the disk is full")
    assert isinstance(heard.value.__context__, OSError)


def test_a_writer_of_scalars_is_not_interrupted_within_its_queue(tmp_path: Path) -> None:
    """A lock that an interrupt leaves taken would hold up the end of the run for ever."""
    scalars, noted = Scalars(tmp_path), []

    class Writer:
        def add_scalar(self, *scalar: object) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            noted.append(scalar)

    scalars._writer = Writer()
    with pytest.raises(KeyboardInterrupt):
        scalars.add_scalar("loss", 0.5, 1)
    assert noted == [("loss", 0.5, 1)]
