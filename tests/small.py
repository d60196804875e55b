"""Small settings and small data, for fixtures and for tests that make their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

SMALL = {
    "MAX_ITEM_LIST_LENGTH": 8,
    "epochs": 2,
    "eval_batch_size": 64,
    "train_batch_size": 32,
    "learning_rate": 0.01,
    "use_gpu": False,
    "torch_threads": 1,
    "show_progress": False,
    "seed": 7,
}
SMALL_OWN = {"hidden_size": 16, "inner_size": 16, "factor_rank": 4}


def write_atomic(data_path: Path, name: str, rows: Iterable[tuple[object, object, float]]) -> Path:
    """Write (user, item, time) rows as data set ``name``; returns ``data_path``."""
    lines = [f"{user}\t{item}\t{time!r}" for user, item, time in rows]
    (data_path / name).mkdir(parents=True)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (data_path / name / f"{name}.inter").write_text("\n".join([header, *lines]) + "\n")
    return data_path


def as_arguments(settings: dict[str, Any]) -> list[str]:
    return [f"--{key}={value}" for key, value in settings.items()]
