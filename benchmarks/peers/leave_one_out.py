"""An atomic file for peers that do not read one themselves; needs pandas alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS = ("user_id", "item_id", "timestamp")
HELD_OUT = 2  # a user's last interaction is tested, the one before validates


def read_interactions(data_path: str, dataset: str) -> pd.DataFrame:
    """``<data_path>/<dataset>/<dataset>.inter``: tokens as strings, times in seconds as float64."""
    path = Path(data_path) / dataset / f"{dataset}.inter"
    frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    frame.columns = frame.columns.str.partition(":").get_level_values(0)
    return frame[list(COLUMNS)].astype({"timestamp": "float64"})


def sizes(interactions: pd.DataFrame) -> dict[str, int]:
    """Users, items and interactions of the whole file."""
    users, items = interactions["user_id"].nunique(), interactions["item_id"].nunique()
    return {"users": int(users), "items": int(items), "interactions": len(interactions)}


def training_part(interactions: pd.DataFrame) -> pd.DataFrame:
    """In the order of time, ties in the file's order, without every user's last two."""
    ordered = interactions.sort_values("timestamp", kind="stable", ignore_index=True)
    from_end: Any = ordered.groupby("user_id").cumcount(ascending=False)
    return ordered[from_end >= HELD_OUT].reset_index(drop=True)
