"""Starting other processes: where they find this library, and a Ray that does not start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recbole_ext.errors import ConfigError

_PACKAGES = Path(__file__).resolve().parents[2]


def python_path() -> str:
    """``PYTHONPATH`` of a child process: this library's place before whatever else is on it."""
    return os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))


@contextmanager
def starting_ray() -> Iterator[None]:
    """Around ``ray.init``, which on some machines fails or stalls. Raises ConfigError then."""
    try:
        yield
    except Exception as error:  # Ray raises many kinds, a bare Exception where a node times out
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"Ray did not start: {reason[:300]} (RAY_ADDRESS names a cluster; without it one is "
            "started on this machine)"
        ) from error
