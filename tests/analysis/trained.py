"""Runs of one epoch on the ring, for the tests of analyses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recbole_ext import run

SETTINGS: dict[str, Any] = {
    "MAX_ITEM_LIST_LENGTH": 8,
    "epochs": 1,
    "eval_batch_size": 64,
    "learning_rate": 0.01,
    "use_gpu": False,
    "torch_threads": 1,
    "show_progress": False,
    "seed": 7,
}
OWN = {"hidden_size": 16, "inner_size": 16}
MODELS: dict[str, dict[str, Any]] = {
    "VanillaAR": {**OWN, "n_heads": 2},
    "LocalAE": {**OWN, "n_heads": 2},
    "FPARec": {**OWN, "factor_rank": 4},
    "SASRec": {"hidden_size": 8, "n_heads": 2},
    "BERT4Rec": {"hidden_size": 8, "n_heads": 2, "loss_type": "CE"},
    "GRU4Rec": {"hidden_size": 8, "embedding_size": 8},
}


def train(folder: Path, data_path: Path) -> None:
    """One run folder for each of ``MODELS`` under ``folder``, named after it."""
    for model, keys in MODELS.items():
        places = {"data_path": str(data_path), "run_dir": str(folder / model)}
        places["checkpoint_dir"] = str(folder / "other")
        run(model, "ring", config_dict={**SETTINGS, **places, **keys})
