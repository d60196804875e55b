"""A Ray that does not start is said in one line: on some machines its processes fail or stall."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from recbole_ext.errors import ConfigError


@contextmanager
def starting_ray() -> Iterator[None]:
    """Around ``ray.init``. Raises ConfigError where it fails."""
    try:
        yield
    except Exception as error:  # Ray raises many kinds, a bare Exception where a node times out
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"Ray did not start: {reason[:300]} (RAY_ADDRESS names a cluster; without it one is "
            "started on this machine)"
        ) from error
