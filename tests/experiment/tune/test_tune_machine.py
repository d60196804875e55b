"""What each trial gets: of this machine, and of a cluster, whatever this machine has."""

from __future__ import annotations

import pytest

from recbole_ext.experiment.tune import machine
from recbole_ext.experiment.tune.machine import joined, share


@pytest.mark.parametrize(
    ("workers", "gpus", "part"),
    [
        (None, 0, 0.0),
        (None, 2, 1.0),
        (1, 2, 1.0),
        (2, 1, 0.5),
        (3, 2, 0.5),
        (4, 2, 0.5),
        (5, 2, 1 / 3),
    ],
)
def test_every_trial_is_on_one_gpu(
    workers: int | None, gpus: int, part: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many fit at once as there are workers: Ray gives no trial halves of two GPUs."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(machine, "_n_gpus", lambda: gpus)
    found = share(workers, 1, use_gpu=True)
    assert found.gpus == part
    if part:
        assert gpus * int(1 / part + 1e-9) >= (found.workers or 0)
    assert share(workers, 1, use_gpu=False).gpus == 0
    assert joined(found, use_gpu=True) == found


@pytest.mark.parametrize("theirs", [True, False])
def test_the_gpus_of_a_cluster_are_its_own(theirs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(machine, "_n_gpus", lambda: 0 if theirs else 8)
    monkeypatch.setattr(machine, "cluster_has_gpus", lambda: theirs)
    before = share(None, None, use_gpu=True)
    assert (before.workers, before.threads) == (None, 1)
    assert joined(before, use_gpu=True).gpus == (1.0 if theirs else 0.0)
    assert joined(before, use_gpu=False).gpus == 0
