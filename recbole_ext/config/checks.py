"""Checks between keys of training and architecture; data and evaluation have their own file."""

from __future__ import annotations

from recbole_ext.config.applies import APPLIES, misplaced
from recbole_ext.config.attention_checks import ATTENTION_CHECKS
from recbole_ext.config.backbone_checks import BACKBONE_CHECKS
from recbole_ext.config.code_checks import CODE_CHECKS
from recbole_ext.config.data_checks import DATA_CHECKS
from recbole_ext.config.duality_checks import DUALITY_CHECKS
from recbole_ext.config.evaluation_checks import EVALUATION_CHECKS
from recbole_ext.config.feature_checks import FEATURE_CHECKS
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
    "norm_type": Key("float|inf", "", "(0, inf)"),
    "error_if_nonfinite": Key("bool", ""),
    "foreach": Key("bool|null", ""),
}
_TRANSFORM_NEEDS = {"mask_itemseq": "mask_ratio", "crop_itemseq": "eta", "reorder_itemseq": "beta"}


def check(settings: Settings) -> None:
    """Raise ConfigError for the first impossible combination."""
    for one in _ALL_CHECKS:
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


def _one_warmup(settings: Settings) -> None:
    if settings.get("warmup_steps") and settings.get("warmup_epochs"):
        settings.fail("warmup_steps", f"and {settings.named('warmup_epochs')}: give only one")


def _clipping(settings: Settings) -> None:
    if settings.get("clip_grad_norm") is None:
        return
    settings.check_mapping("clip_grad_norm", _CLIPPING)
    if "max_norm" not in settings.values["clip_grad_norm"]:
        settings.fail("clip_grad_norm", "needs max_norm")


def _applies(settings: Settings) -> None:
    for key, why in misplaced(settings.values) if settings.own else ():
        settings.fail(key, f"{why} {settings.named(APPLIES[key][0])}")


def _mixed_negatives(settings: Settings) -> None:
    if settings.get("negative_sampling") == "mixed" and settings.get("n_negatives") == 1:
        settings.fail(
            "n_negatives", f"must be 2 or more with {settings.named('negative_sampling')}"
        )


def _cloze(settings: Settings) -> None:
    if settings.get("direction") != "ae":
        return
    if not settings.get("mask_ratio") and not settings.get("mask_last_prob"):
        settings.fail("mask_ratio", f"and {settings.named('mask_last_prob')}: AE without masks")
    if settings.get("MAX_ITEM_LIST_LENGTH") < 2:
        settings.fail(
            "MAX_ITEM_LIST_LENGTH",
            f"leaves no item beside [MASK] with {settings.named('direction')}; give 2 or more",
        )
    if settings.get("mask_after_softmax"):
        settings.fail(
            "mask_after_softmax", f"masks the future, which {settings.named('direction')} sees"
        )


def _padding_as_class(settings: Settings) -> None:
    if settings.get("padding_as_class") and settings.get("loss_type") != "CE":
        settings.fail("padding_as_class", f"needs loss_type: CE, not {settings.named('loss_type')}")


def _padding_defects(settings: Settings) -> None:
    """There must be something that the defect can be one of."""
    if settings.get("position_at_padding") and settings.get("position_embedding") == "none":
        settings.fail(
            "position_at_padding",
            f"needs position_embedding: learned, not {settings.named('position_embedding')}",
        )
    if settings.get("padding_row") == "learned" and not settings.get("item_id_embedding"):
        settings.fail(
            "padding_row",
            f"is learned with the items' vectors: not with {settings.named('item_id_embedding')}",
        )


def _negatives(settings: Settings) -> None:
    negatives, loss = settings.get("train_neg_sample_args"), settings.get("loss_type")
    sequential = settings.kind == "sequential"
    if settings.own:
        if negatives is not None:
            settings.fail(
                "train_neg_sample_args",
                f"must be null: {settings.model} draws its own negatives (n_negatives, ...)",
            )
        return
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
    if negatives.get("dynamic") and not negatives.get("candidate_num"):
        settings.fail("train_neg_sample_args", "needs candidate_num beside dynamic: true")


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
    *ATTENTION_CHECKS,
    _batch_by,
    _one_warmup,
    _clipping,
    _applies,
    _mixed_negatives,
    _cloze,
    _padding_as_class,
    _padding_defects,
    _negatives,
    _transform,
)

_ALL_CHECKS = (
    *_TRAINING_CHECKS,
    *FEATURE_CHECKS,
    *CODE_CHECKS,
    *DATA_CHECKS,
    *EVALUATION_CHECKS,
    *BACKBONE_CHECKS,
    *DUALITY_CHECKS,
)
