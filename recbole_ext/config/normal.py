"""The several spellings that RecBole allows, brought to one; paths made absolute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ext.config.applies import drop_idle_defaults
from recbole_ext.config.evaluation_checks import EVAL_ARGS, bigger_is_better

_PATHS = (
    *("data_path", "checkpoint_dir", "run_dir", "dataset_save_path", "dataloaders_save_path"),
    "pretrained_items",
)
_NO_NEGATIVES = (None, "none", "None")


def normalise(values: dict[str, Any], given: Mapping[str, str], own: bool) -> set[str]:
    """Bring ``values`` to their one spelling, in place; returns the keys that were worked out.

    Args:
        given: the keys that come from this library's files or from the user, each with its origin.
        own: the model is this library's.
    """
    for key in ("metrics", "topk", "additional_feat_suffix"):
        if isinstance(values.get(key), str | int):
            values[key] = [values[key]]
    if isinstance(values.get("clip_grad_norm"), int | float):
        values["clip_grad_norm"] = {"max_norm": values["clip_grad_norm"]}
    values["gpu_id"] = _gpu_text(values["gpu_id"])
    values["eval_args"] = {**EVAL_ARGS, **values["eval_args"]}
    for key in _PATHS:
        if values.get(key):
            values[key] = str(Path(values[key]).expanduser().absolute())
    if values.get("item_features"):
        values["load_col"] = _with_item_columns(values)
    if _means_none(values["train_neg_sample_args"]):
        values["train_neg_sample_args"] = None
    worked_out = {
        "valid_metric_bigger": bigger_is_better(values["valid_metric"]),
        "train_neg_sample_args": None if own else _negatives(values),
    }
    changed = {key for key in set(worked_out) - set(given) if values[key] != worked_out[key]}
    values.update({key: worked_out[key] for key in changed})
    return changed | (drop_idle_defaults(values, given) if own else set())


def _with_item_columns(values: Mapping[str, Any]) -> Any:
    """``load_col`` with the columns that ``item_features`` names, wherever it chooses columns."""
    load, wanted = values["load_col"], [values["ITEM_ID_FIELD"], *values["item_features"]]
    items = load.get("item", []) if isinstance(load, dict) else None
    if not isinstance(items, list):
        return load
    return {**load, "item": [*items, *(name for name in wanted if name not in items)]}


def _gpu_text(gpus: Any) -> str:
    return ",".join(map(str, gpus)) if isinstance(gpus, list) else str(gpus)


def _negatives(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """RecBole's negatives where nobody chose them, so that every model trains as it should.

    Cross-entropy over all items draws none, and RecBole stops when it is to. Models that count
    (Pop, ItemKNN, EASE) would count the negatives too. Context-aware models are set up for labelled
    data; on leave-one-out data they need negatives. This library's models draw their own.
    """
    kind = values["MODEL_TYPE"].name
    if kind == "SEQUENTIAL" and values.get("loss_type") == "CE":
        return None
    if kind == "TRADITIONAL":
        return None
    return values["train_neg_sample_args"] or {"distribution": "uniform", "sample_num": 1}


def _means_none(negatives: Any) -> bool:
    return isinstance(negatives, dict) and negatives.get("distribution", "") in _NO_NEGATIVES
