"""``metrics.json``: what a run that has finished says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recbole_ext.config.keys import IPS, SEEN_MASKED
from recbole_ext.errors import DataError, show

PARTS = tuple(f"{part}{protocol}" for part in ("valid", "test") for protocol in ("", SEEN_MASKED))
_WEIGHTED = {f"{part}{IPS}" for part in ("valid", "test")}  # where a run has eval_ips_exponent
_OPTIONAL = _WEIGHTED | {f"{part}{SEEN_MASKED}" for part in _WEIGHTED}
_NEEDED: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("best_epoch", "epochs", "parameters", "seed"), int),
    **dict.fromkeys(("data", *PARTS), dict),
    "seconds_per_epoch": (int, float),
}


def read_metrics(file: Path) -> dict[str, Any]:
    """What a ``metrics.json`` holds: every part is there, each metric in it a number.

    Raises:
        FileNotFoundError: there is none.
        DataError: not as a run left it.
    """
    try:
        metrics: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        for key, kind in _NEEDED.items():
            if not isinstance(metrics[key], kind):
                raise TypeError(f"{key} is {show(metrics[key])}")
        if not isinstance(metrics["data"]["sha256"], str):
            raise TypeError("sha256 of data is no text")
        for part in (*PARTS, *sorted(_OPTIONAL & metrics.keys())):
            for name, value in metrics[part].items():
                if not isinstance(value, int | float):
                    raise TypeError(f"{name} of {part} is {show(value)}")
    except FileNotFoundError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise DataError(f"{file}: not as a run left it ({error})") from error
    return metrics
