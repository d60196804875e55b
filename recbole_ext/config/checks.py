"""Checks between keys of training and architecture; data and evaluation have their own file."""

from __future__ import annotations

from recbole_ext.config.data_checks import DATA_CHECKS
from recbole_ext.config.evaluation_checks import EVALUATION_CHECKS
from recbole_ext.config.keys import position_only_mixers
from recbole_ext.config.schema import Key
from recbole_ext.config.settings import Settings

_NEGATIVES = {
    "distribution": Key("str|null", "", choices=("uniform", "popularity", "none", "None")),
    "sample_num": Key("int", "", "[1, inf)"),
    "alpha": Key("float", "", "[0, inf)"),
    "dynamic": Key("bool", ""),
    "candidate_num": Key("int", "", "[0, inf)"),
}
_CLIPPING = {
    "max_norm": Key("float", "", "(0, inf)"),
    "norm_type": Key("float", "", "(0, inf)"),
    "error_if_nonfinite": Key("bool", ""),
    "foreach": Key("bool|null", ""),
}
_TRANSFORM_NEEDS = {"mask_itemseq": "mask_ratio", "crop_itemseq": "eta", "reorder_itemseq": "beta"}
_POSITION_ONLY = {"mask_after_softmax": ("token_mixing",), "unused_qk_projections": ()}


def check(settings: Settings) -> None:
    """Raise ConfigError for the first impossible combination."""
    for one in (*_TRAINING_CHECKS, *DATA_CHECKS, *EVALUATION_CHECKS):
        one(settings)


def _heads_divide_width(settings: Settings) -> None:
    width = "hidden_size" if "hidden_size" in settings.values else "embedding_size"
    heads, size = settings.get("n_heads"), settings.get(width)
    if heads and size and size % heads:
        settings.fail("n_heads", f"must divide {settings.named(width)}")


def _objective(settings: Settings) -> None:
    all_positions = settings.get("train_objective") == "all_positions"
    if all_positions and not settings.own:
        settings.fail(
            "train_objective",
            f"is for recbole_ext's own models; RecBole's {settings.model} takes last_position",
        )
    if settings.get("long_sequences") == "chunk" and not all_positions:
        settings.fail(
            "long_sequences",
            f"needs train_objective: all_positions, not {settings.named('train_objective')}",
        )


def _batch_by(settings: Settings) -> None:
    if settings.get("batch_by") == "equal_length" and not settings.own:
        settings.fail(
            "batch_by",
            f"is for recbole_ext's own models; RecBole's {settings.model} trains on RecBole's "
            "batches of mixed lengths, similar_length",
        )


def _position_only(settings: Settings) -> None:
    """Two switches exist for attentions without queries and keys; one also needs a softmax."""
    for key, without in _POSITION_ONLY.items():
        names = [name for name in position_only_mixers() if name not in without]
        if settings.get(key) and settings.get("attention") not in names:
            settings.fail(
                key, f"needs one of {', '.join(names)}, not {settings.named('attention')}"
            )


def _one_warmup(settings: Settings) -> None:
    if settings.get("warmup_steps") and settings.get("warmup_epochs"):
        settings.fail("warmup_steps", f"and {settings.named('warmup_epochs')}: give only one")


def _clipping(settings: Settings) -> None:
    if settings.get("clip_grad_norm") is None:
        return
    settings.check_mapping("clip_grad_norm", _CLIPPING)
    if "max_norm" not in settings.values["clip_grad_norm"]:
        settings.fail("clip_grad_norm", "needs max_norm")


def _negatives(settings: Settings) -> None:
    negatives, loss = settings.get("train_neg_sample_args"), settings.get("loss_type")
    sequential = settings.kind == "sequential"
    if negatives is None:
        if sequential and loss == "BPR":
            settings.fail(
                "train_neg_sample_args",
                f"leaves {settings.named('loss_type')} without "
                "negatives; give {distribution: uniform, sample_num: 1}",
            )
        return
    if sequential and loss == "CE":
        settings.fail("train_neg_sample_args", f"must be null with {settings.named('loss_type')}")
    settings.check_mapping("train_neg_sample_args", _NEGATIVES)
    if "distribution" not in negatives:
        settings.fail("train_neg_sample_args", "needs distribution: uniform or popularity")


def _transform(settings: Settings) -> None:
    transform = settings.get("transform")
    if transform is None:
        return
    if settings.own or settings.kind != "sequential":
        settings.fail("transform", f"is for RecBole's sequential models, not {settings.model}")
    need = _TRANSFORM_NEEDS.get(transform)
    if need and settings.get(need) is None:
        settings.fail("transform", f"needs the key {need}, which {settings.model} does not have")


_TRAINING_CHECKS = (
    _heads_divide_width,
    _objective,
    _batch_by,
    _position_only,
    _one_warmup,
    _clipping,
    _negatives,
    _transform,
)
