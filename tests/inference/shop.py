"""A small shop with titles, models trained on it, and what they should recommend, naively."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction

from recbole_ext.runner import Run, load, run

N_ITEMS = 30
LENGTH = 6  # MAX_ITEM_LIST_LENGTH: most users have more items
UNTITLED = "i7"
STEP = 128  # seconds; RecBole keeps time in float32, which tells no less apart

SETTINGS: dict[str, Any] = {
    "MAX_ITEM_LIST_LENGTH": LENGTH, "epochs": 2, "stopping_step": 5, "eval_batch_size": 64,
    "train_batch_size": 32, "learning_rate": 0.01, "use_gpu": False, "torch_threads": 1,
    "show_progress": False, "seed": 7, "topk": [5, 10], "valid_metric": "NDCG@10",
}  # fmt: skip
OWN = {"hidden_size": 16, "inner_size": 16, "factor_rank": 4}
MODELS: dict[str, dict[str, Any]] = {
    "FPARec": OWN, "SASRec": {}, "GRU4Rec": {"embedding_size": 16, "hidden_size": 16}, "SHAN": {},
    "Caser": {"embedding_size": 16}, "Pop": {}, "ItemKNN": {}, "NeuMF": {},
}  # fmt: skip


def visits() -> dict[str, list[str]]:
    """Each user's items in time order: 3 to 16 steps around a ring, some of them strays."""
    rng = np.random.default_rng(3)
    histories = {}
    for user in range(60):
        item, taken = int(rng.integers(N_ITEMS)), []
        for _ in range(int(rng.integers(3, 17))):
            taken.append(f"i{item}")
            item = (item + 1 if rng.random() < 0.8 else int(rng.integers(N_ITEMS))) % N_ITEMS
        histories[f"u{user}"] = taken
    return histories


def write_shop(data_path: Path) -> Path:
    """The atomic files of data set ``shop``, its interactions in no order; returns data_path."""
    rows = [
        f"{user}\t{item}\t{1_700_000_000 + STEP * place}"
        for user, items in visits().items()
        for place, item in enumerate(items)
    ]
    shuffled = [rows[i] for i in np.random.default_rng(4).permutation(len(rows))]
    (data_path / "shop").mkdir(parents=True)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (data_path / "shop" / "shop.inter").write_text("\n".join([header, *shuffled]) + "\n")
    write_items(data_path)
    return data_path


def write_items(data_path: Path) -> Path:
    path = data_path / "shop" / "shop.item"
    names = ["" if f"i{item}" == UNTITLED else f"Thing № {item}" for item in range(N_ITEMS)]
    rows = [f"i{item}\t{0.5 * item}\t{name}" for item, name in enumerate(names)]
    path.write_text("\n".join(["item_id:token\tprice:float\tname:token_seq", *rows]) + "\n")
    return path


def trained(model: str, data_path: Path, run_dir: Path) -> Run:
    """A model trained on the shop, loaded from its run folder."""
    places = {"data_path": str(data_path), "run_dir": str(run_dir)}
    run(model, "shop", config_dict={**SETTINGS, **MODELS[model], **places})
    return load(run_dir)


@torch.no_grad()
def scores_of(trained_run: Run, items: list[str], user: str | None = None) -> dict[str, float]:
    """Item token -> score, from the model's own full_sort_predict on one row made by hand."""
    dataset = trained_run.dataset
    ids = [dataset.token2id("item_id", item) for item in items[-LENGTH:]]
    row = {
        "item_id_list": torch.tensor([ids + [0] * (LENGTH - len(ids))]),
        "item_length": torch.tensor([len(ids)]),
    }
    if user is not None:
        row["user_id"] = torch.tensor([dataset.token2id("user_id", user)])
    scores = trained_run.model.full_sort_predict(Interaction(row)).view(-1)  # type: ignore[operator]
    tokens = dataset.field2id_token["item_id"]
    return {str(tokens[i]): float(scores[i]) for i in range(1, len(tokens))}


def best(trained_run: Run, scores: dict[str, float], k: int, seen: list[str]) -> list[str]:
    """The k best tokens, ties by id, ``seen`` left out."""
    known = trained_run.dataset.field2token_id["item_id"]
    left = [token for token in scores if token not in seen]
    return sorted(left, key=lambda token: (-scores[token], known[token]))[:k]
