"""Runs of one epoch on the ring, for the tests of analyses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recbole_ext import run

MODELS: dict[str, dict[str, Any]] = {
    "VanillaAR": {"n_heads": 2},
    "LocalAE": {"n_heads": 2},
    "FPARec": {},
    "SASRec": {"n_heads": 2},
    "BERT4Rec": {"n_heads": 2, "loss_type": "CE"},
    "GRU4Rec": {"embedding_size": 8},
}


def train(folder: Path, data_path: Path, small: dict[str, Any], own: dict[str, Any]) -> None:
    """One run folder for each of ``MODELS`` under ``folder``, named after it."""
    for model, keys in MODELS.items():
        stock = model in ("SASRec", "BERT4Rec", "GRU4Rec")
        sizes = {"hidden_size": 8} if stock else own
        places = {"data_path": str(data_path), "run_dir": str(folder / model)}
        places["checkpoint_dir"] = str(folder / "other")
        run(model, "ring", config_dict={**small, **sizes, **places, **keys, "epochs": 1})
