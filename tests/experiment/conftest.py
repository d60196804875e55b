"""Comparisons whose jobs run here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from recbole_ext.experiment import compare
from recbole_ext.experiment.one_job import Spec, finish


class InThisProcess:
    """Jobs one after the other, without the seconds that a new process takes to import."""

    def __init__(self, workers: int) -> None:
        pass

    def run(self, specs: Iterable[Spec]) -> Iterator[tuple[Spec, str | None]]:
        for spec in specs:
            finish(spec)
            yield spec, None


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "Processes", InThisProcess)
