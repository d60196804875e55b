"""Settings that a run can have and that are hardly meant: each is a warning in its log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from recbole.utils import ModelType

from recbole_ext import paths
from recbole_ext.config import ExtConfig
from recbole_ext.config.keys import SEEN_MASKED
from recbole_ext.config.known import look_alikes
from recbole_ext.config.sources import read_settings
from recbole_ext.model.base import NextItemRecommender

# Keys of RecBole's that every model takes and that change nothing here: the value that says
# nothing, and why.
IDLE: dict[str, tuple[Any, str]] = {
    "enable_scaler": (False, "bfloat16 has float32's range"),
    "loss_decimal_place": (4, "losses are logged with four decimals"),
    "metric_decimal_place": (4, "metrics are kept in full precision"),
    "worker": (0, "batches are gathered in the training process"),
}
# What says how the full cross-entropy is computed, with the value that says nothing.
OF_THE_FULL_LOSS: dict[str, Any] = {"loss_precision": "auto", "loss_chunk_size": None}
# What Adam and AdamW alone read.
OF_ADAM = ("adam_beta1", "adam_beta2", "adam_eps", "fused_optimizer")


def _mixes_by(name: str) -> Callable[[Any], bool]:
    return lambda value: name in (value if isinstance(value, list) else [value])


def _is(*values: Any) -> Callable[[Any], bool]:
    return lambda value: value in values


# Keys of our models that mean something only beside a value of another key. A sweep or an
# experiment may set them for all of its models, so they are not refused.
BESIDE: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "factor_rank": ("attention", _mixes_by("factorized_positional")),
    "attention_pattern": ("attention", _mixes_by("fixed_pattern")),
    "filter_frequencies": ("attention", _mixes_by("frequency_filter")),
    "filter_direction": ("attention", _mixes_by("frequency_filter")),
    "local_attention": ("n_local_heads", bool),
    "local_window": ("n_local_heads", bool),
    "score_temperature": ("score", _is("cosine")),
    "ips_clip": ("ips_exponent", bool),
    "pretrained_frozen": ("pretrained_items", bool),
    "pretrained_unknown": ("pretrained_items", bool),
    "dual_items": ("dual_weight", bool),
    "max_users": ("dual_weight", bool),
    "dual_layers": ("dual_weight", bool),
    "consistency": ("dual_weight", bool),
    "dual_stop_gradient": ("dual_weight", bool),
}


def doubtful_settings(config: ExtConfig) -> Iterator[str]:
    """A line for each key that changes nothing here or may be misspelt, and for a protocol that is
    not RecBole's.
    """
    own = issubclass(config.model_class, NextItemRecommender)
    yield from _idle_anywhere(config, own)
    yield from _idle_in_the_optimiser(config)
    yield from _idle_in_the_loss(config, own)
    if own:
        yield from _idle_in_the_model(config)
    if config["MODEL_TYPE"] != ModelType.SEQUENTIAL:
        yield from _kept_candidates(config)
    for key, other in look_alikes(config.lineage):
        yield f"{key} is a new key of {config['model']}'s own YAML; is {other} meant?"


def _idle_anywhere(config: ExtConfig, own: bool) -> Iterator[str]:
    for key, (usual, why) in IDLE.items():
        if config[key] != usual and (own or key != "worker"):  # RecBole's own loaders have workers
            yield _idle(config, key, why)


def _idle_in_the_optimiser(config: ExtConfig) -> Iterator[str]:
    if config["learner"].lower() in ("adam", "adamw"):
        return
    usual = {**read_settings(paths.properties_dir() / "overall.yaml"), **_own_defaults(config)}
    for key in OF_ADAM:
        if config[key] != usual[key]:
            yield _idle(config, key, f"learner is {config['learner']}")


def _idle_in_the_loss(config: ExtConfig, own: bool) -> Iterator[str]:
    if own and config["loss_type"] in (None, "CE"):
        return
    why = f"loss_type is {config['loss_type']}" if own else "RecBole's models compute their loss"
    for key, usual in OF_THE_FULL_LOSS.items():
        if config[key] not in (usual, None):
            yield _idle(config, key, why)


def _idle_in_the_model(config: ExtConfig) -> Iterator[str]:
    """Of the keys that have another value than the model's own."""
    usual = _own_defaults(config)
    for key, (other, matters) in BESIDE.items():
        if key not in usual or other not in usual:  # not a key of this class
            continue
        if config[key] not in (usual[key], None) and not matters(config[other]):
            yield _idle(config, key, f"{other} is {config[other]}")


def _own_defaults(config: ExtConfig) -> Mapping[str, Any]:
    settings = map(read_settings, config.lineage.files)
    return {key: value for values in settings for key, value in values.items()}


def _kept_candidates(config: ExtConfig) -> Iterator[str]:
    """RecBole's other kinds of models are stopped and tested with the seen items left out."""
    metric = config["valid_metric"]
    if not metric.endswith(SEEN_MASKED):
        yield (
            f"RecBole masks seen items for {config['model']}: its figures are those of 'seen "
            f"masked'; stopped by {metric} (seen kept), by valid_metric: {metric}{SEEN_MASKED} as "
            "in RecBole"
        )


def _idle(config: ExtConfig, key: str, why: str) -> str:
    return f"{key} = {config[key]} has no effect here: {why}"
