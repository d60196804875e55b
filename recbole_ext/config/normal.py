"""The several spellings that RecBole allows, brought to one; paths made absolute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ext.config.applies import drop_idle_defaults
from recbole_ext.config.evaluation_checks import EVAL_ARGS, EVERY_MODE, bigger_is_better
from recbole_ext.config.keys import IPS, METRICS, SEEN_MASKED
from recbole_ext.config.layers import Layer

_PATHS = (
    *("data_path", "checkpoint_dir", "run_dir", "dataset_save_path", "dataloaders_save_path"),
    "pretrained_items",
)
_MEASURED = ("metrics", "topk", "valid_metric")
_NO_NEGATIVES = (None, "none", "None")


def normalise(values: dict[str, Any], given: Mapping[str, Layer], own: bool) -> set[str]:
    """Bring ``values`` to their one spelling, in place; returns the keys that were worked out.

    Args:
        given: the keys that come from this library's files or from the user, each with its source.
        own: the model is this library's.
    """
    for key in ("metrics", "topk", "additional_feat_suffix"):
        if isinstance(values.get(key), str | int):
            values[key] = [values[key]]
    if values.get("benchmark_filename") == []:
        values["benchmark_filename"] = None
    values["numerical_features"] = values["numerical_features"] or []  # RecBole walks along it
    if isinstance(values.get("clip_grad_norm"), int | float):
        values["clip_grad_norm"] = {"max_norm": values["clip_grad_norm"]}
    clipping = values.get("clip_grad_norm") or {}
    if clipping.get("norm_type") == float("inf"):  # a file of settings holds finite numbers
        values["clip_grad_norm"] = {**clipping, "norm_type": "inf"}
    values["gpu_id"] = _gpu_text(values["gpu_id"])
    values["eval_args"] = {**EVAL_ARGS, **values["eval_args"]}
    if isinstance(values["eval_args"]["mode"], dict):
        values["eval_args"]["mode"] = {**EVERY_MODE, **values["eval_args"]["mode"]}
    for key in _PATHS:
        if values.get(key):
            values[key] = str(Path(values[key]).expanduser().absolute())
    if values.get("item_features"):
        values["load_col"] = _with_item_columns(values)
    if _means_none(values["train_neg_sample_args"]):
        values["train_neg_sample_args"] = None
    metrics = _agreed_metrics(values, given)
    worked_out = {
        "valid_metric_bigger": bigger_is_better(values["valid_metric"]),
        "train_neg_sample_args": None if own else _negatives(values),
    }
    changed = {key for key in set(worked_out) - set(given) if values[key] != worked_out[key]}
    values.update({key: worked_out[key] for key in changed})
    changed |= metrics
    return changed | (drop_idle_defaults(values, given) if own else set())


def _agreed_metrics(values: dict[str, Any], given: Mapping[str, Layer]) -> set[str]:
    """Where a user has named what is measured, or what stops a run, our default for the other.

    A valid_metric that our metrics and topk lack is measured too. Metrics without ours are stopped
    by RecBole's, MRR, or by the first; at 10, or at the first cut-off.
    """
    ours = {key for key in _MEASURED if key not in given or given[key].is_overall}
    plain = values["valid_metric"].removesuffix(SEEN_MASKED).removesuffix(IPS)
    metric, _, cutoff = plain.partition("@")
    named = {name.lower() for name in values["metrics"]}
    changed = set()
    if "valid_metric" not in ours:
        known = {name.lower(): name for name in METRICS}
        if "metrics" in ours and metric.lower() in set(known) - named:
            values["metrics"] = [*values["metrics"], known[metric.lower()]]
            changed.add("metrics")
        if "topk" in ours and cutoff.isdecimal() and int(cutoff) not in (0, *values["topk"]):
            values["topk"] = [*values["topk"], int(cutoff)]
            changed.add("topk")
    elif values["metrics"] and values["topk"]:
        first = next(m for m in (metric, "MRR", *values["metrics"]) if m.lower() in named)
        at = int(cutoff) if int(cutoff) in values["topk"] else values["topk"][0]
        if f"{first}@{at}" != values["valid_metric"]:
            values["valid_metric"] = f"{first}@{at}"
            changed.add("valid_metric")
    return changed


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
