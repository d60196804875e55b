"""What an experiment file may hold. Every mistake is one line: where, what, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.evaluation.metrics import RANK_METRICS, canonical, protocol_of

FILE = (
    "title", "common", "seeds", "tables", "models", "datasets", "overrides", "baseline",
    "reported", "quick", "metrics",
)  # fmt: skip
GRID = ("models", "datasets", "overrides")
TABLE = ("title", "common", "seeds", "jobs", "baseline", "reported", "analyze", "metrics")
JOB = ("model", "dataset", "config_files", "keys", "paper", "reported")
QUICK = ("dataset", "keys", "seeds", "tables", "jobs")
REPORTED = ("source", "table", "data", "model", "protocol")
OURS = {
    "seed": "give seeds",
    "run_dir": "each run has a folder of its own",
    "data_path": "give --data_path",
    "torch_threads": "the runs at work share the cores; see --workers",
}

_FOLDER = re.compile(r"[\w=+,@-][\w.=+,@ -]*")
_CUTOFF = re.compile(r"[1-9][0-9]{0,8}")
_LARGEST_SEED = 2**32 - 1


def mapping(value: Any, where: str, allowed: Iterable[str] | None = None) -> dict[str, Any]:
    """``value`` if it maps text, of ``allowed`` where that is given; None is an empty mapping."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must hold 'key: value' lines, not {show(value)}")
    for key in value:
        if not isinstance(key, str):
            raise ConfigError(f"{where}: the key {show(key)} must be text; write it in quotes")
        if allowed is not None and key not in allowed:
            hint = nearest(key, allowed) or f"; allowed are {', '.join(allowed)}"
            raise ConfigError(f"{where}: unknown key {show(key)}{hint}")
    return dict(value)


def keys(value: Any, where: str) -> dict[str, Any]:
    """Settings of jobs: any but those that a comparison sets itself."""
    found = mapping(value, where)
    for key in OURS.keys() & found.keys():
        raise ConfigError(f"{where}: {key} cannot be set here: {OURS[key]}")
    return found


def text(value: Any, where: str) -> str:
    """``value`` as one line, if it is text and not empty."""
    if isinstance(value, str) and value.strip():
        return " ".join(value.split())
    raise ConfigError(f"{where} must be text, not {show(value)}")


def texts(value: Any, where: str) -> list[str]:
    """A list of text; one text alone is a list of it, None an empty one."""
    given = [] if value is None else value if isinstance(value, list) else [value]
    return [text(item, where) for item in given]


def seeds(value: Any, where: str) -> list[int]:
    """A list of one or more different seeds."""
    numbers = value if isinstance(value, list) else []
    for number in numbers:
        plain = isinstance(number, int) and not isinstance(number, bool)
        if not plain or not 0 <= number <= _LARGEST_SEED:
            raise ConfigError(f"{where}: {show(number)} is no seed (an integer of 0 or more)")
    if not numbers or len(set(numbers)) < len(numbers):
        raise ConfigError(f"{where} must be a list of different integers, not {show(value)}")
    return numbers


def metrics(value: Any, where: str) -> list[str]:
    """A list of one or more different metrics of a rank, such as NDCG@10."""
    found = [_metric(canonical(name), where) for name in texts(value, where)]
    if not found or len(set(found)) < len(found):
        raise ConfigError(f"{where} must be a list of different metrics, not {show(value)}")
    return found


def _metric(name: str, where: str) -> str:
    metric, _, k = name.partition("@")
    if metric in RANK_METRICS and _CUTOFF.fullmatch(k):
        return name
    plain = name.removesuffix(protocol_of(name))  # tables show both protocols
    k = plain.partition("@")[2]
    known = [f"{one}@{k if _CUTOFF.fullmatch(k) else 10}" for one in RANK_METRICS]
    hint = nearest(plain, known) or f"; there are {', '.join(RANK_METRICS)}"
    raise ConfigError(f"{where}: {show(name)} is no metric of a rank, such as NDCG@10{hint}")


def folder_name(value: str, where: str, kind: str = "job") -> str:
    """``value`` if a folder can be called so."""
    if _FOLDER.fullmatch(value):
        return value
    raise ConfigError(
        f"{where}: {show(value)} cannot be the name of a {kind}: it is that of a folder"
    )


def figures(value: Any, where: str) -> tuple[float | None, float | None] | None:
    """``paper: [Hit@10, NDCG@10]``; ``~`` stands for one that is not reported."""
    if value is None:
        return None
    numbers = all(x is None or (isinstance(x, float | int) and 0 <= x <= 1) for x in _items(value))
    if len(_items(value)) == 2 and numbers:
        return value[0], value[1]
    raise ConfigError(f"{where} must be [Hit@10, NDCG@10], each from 0 to 1 or ~: {show(value)}")


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
