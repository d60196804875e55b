"""What a finished run did and how well, read from its folder alone: no model is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recbole_ext.analysis.labels import tested_on, variant_names
from recbole_ext.config.keys import CIRCUMSTANCES, GENERAL
from recbole_ext.errors import ConfigError, nearest, show
from recbole_ext.evaluation.metrics import protocol_of
from recbole_ext.training.run_folder import METRICS_FILE, RunFolder

# RecBole's own models of the design space, in its words.
_STOCK: dict[str, dict[str, str]] = {
    "SASRec": {"direction": "ar", "attention": "dot_product"},
    "BERT4Rec": {"direction": "ae", "attention": "dot_product"},
}
# Beside the circumstances: names, and what changes neither training nor a metric's value.
_SHOWN = ("metrics", "topk", "eval_batch_size", "metric_decimal_place", "loss_decimal_place")
_NO_SETTING = frozenset((*CIRCUMSTANCES, *GENERAL, *_SHOWN, "model", "dataset"))


@dataclass(frozen=True)
class DesignPoint:
    """A run as a point of the design space.

    Attributes:
        name: of the model.
        dataset: name, with a task or a holdout that is not the usual one.
        data: digest of the data.
        design: axis -> value, for the axes of the AE/AR paper.
        score: the metric asked for, of the test part.
        settings: key of config.yaml -> its value as text, save circumstances.
    """

    name: str
    dataset: str
    data: str
    design: dict[str, str]
    score: float
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def locality(self) -> str:
        """AE < local AE < AR < local AR, as the paper orders them."""
        near = "" if self.design["local heads"] == "none" else "local "
        return near + self.design["direction"].upper()


def read_design_point(run_dir: str | Path, metric: str) -> DesignPoint | None:
    """None for a model outside the design space.

    Args:
        metric: as ``valid_metric`` names it: ``NDCG@10``, ``NDCG@10_seen_masked``.

    Raises:
        CheckpointError: no finished run.
        ConfigError: it has no such metric.
    """
    folder = RunFolder.open(run_dir)
    config = folder.config()
    design = design_of(config)
    score, data = _score(folder, metric)
    if design is None:
        return None
    dataset = tested_on(str(config.get("dataset")), config)
    return DesignPoint(str(config.get("model")), dataset, data, design, score, settings_of(config))


def told_apart(runs: Sequence[DesignPoint]) -> list[DesignPoint]:
    """Variants of the data under one name get names of their own: they are not comparable."""
    names = variant_names((run.dataset, run.data) for run in runs)
    return [replace(run, dataset=names[run.dataset, run.data]) for run in runs]


def settings_of(config: Mapping[str, Any]) -> dict[str, str]:
    """What makes two runs different experiments: all keys but circumstances and names."""
    return {
        key: json.dumps(value, sort_keys=True, default=str)
        for key, value in config.items()
        if key not in _NO_SETTING
    }


def design_of(config: Mapping[str, Any]) -> dict[str, str] | None:
    """The value of each axis, from a resolved configuration; None where it has none."""
    if (stock := _STOCK.get(str(config.get("model")))) is not None:
        rest = {"local heads": "none", "feature": "none", "backbone": "RecBole's blocks"}
        return {**stock, **rest, "loss": str(config.get("loss_type") or "CE")}
    if config.get("direction") not in ("ar", "ae") or _beyond(config):
        return None
    local = config.get("local_attention") if config.get("n_local_heads") else None
    users = config.get("user_embedding")
    # A backbone's attention is part of that axis: Llama against own blocks is one choice.
    attention = config.get("attention") or "dot_product"
    return {
        "direction": str(config["direction"]),
        "attention": " + ".join(attention) if isinstance(attention, list) else str(attention),
        "local heads": str(local or "none"),
        "feature": "none" if users in (None, "none") else "user",
        "backbone": str(config.get("backbone") or "own blocks"),
        "loss": str(config.get("loss_type") or "CE"),
    }


def _beyond(config: Mapping[str, Any]) -> bool:
    """Whether a model differs in more than the axes: codes, duality, batches of one length."""
    further = bool(config.get("codes") or config.get("dual_weight"))
    return further or config.get("batch_by") == "equal_length"


def _score(folder: RunFolder, metric: str) -> tuple[float, str]:
    """The metric, and the digest of the data that it was found on."""
    metrics, protocol = folder.metrics(), protocol_of(metric)
    known = metrics.get(f"test{protocol}", {})
    name = metric.removesuffix(protocol)
    if name not in known:
        file = folder.file(METRICS_FILE)
        raise ConfigError(f"--metric: {show(metric)} is not in {file}{nearest(name, known)}")
    return float(known[name]), metrics["data"]["sha256"]
