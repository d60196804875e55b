"""Checks between keys of training and architecture; data and evaluation have their own file."""

from __future__ import annotations

from recbole_ext.config.applies import APPLIES, misplaced
from recbole_ext.config.backbone_checks import BACKBONE_CHECKS
from recbole_ext.config.code_checks import CODE_CHECKS
from recbole_ext.config.data_checks import DATA_CHECKS
from recbole_ext.config.duality_checks import DUALITY_CHECKS
from recbole_ext.config.evaluation_checks import EVALUATION_CHECKS
from recbole_ext.config.feature_checks import FEATURE_CHECKS
from recbole_ext.config.keys import mixers, position_only_mixers
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
_WINDOWED = ("window", "conv", "rnn")
_SCORELESS = ("conv", "rnn")
_POSITION_ONLY = {"mask_after_softmax": ("token_mixing",), "unused_qk_projections": ()}


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


def _attention(settings: Settings) -> None:
    if settings.own and settings.get("attention") == []:
        settings.fail("attention", f"names no mixer; there are {', '.join(mixers())}")


def _mixers(settings: Settings) -> list[str]:
    """The names under ``attention``: one, or several that are summed."""
    given = settings.get("attention")
    return given if isinstance(given, list) else [given]


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
        if settings.get(key) and not set(_mixers(settings)) & set(names):
            settings.fail(
                key, f"needs one of {', '.join(names)}, not {settings.named('attention')}"
            )


def _local_heads(settings: Settings) -> None:
    """Local heads are heads of dot-product attention, with a window that fits a sequence."""
    if not settings.get("n_local_heads"):
        return
    if "dot_product" not in _mixers(settings):
        settings.fail("n_local_heads", f"needs dot_product, not {settings.named('attention')}")
    if settings.values["n_local_heads"] > settings.values["n_heads"]:
        settings.fail("n_local_heads", f"must be at most {settings.named('n_heads')}")
    windowed = settings.get("local_attention") in _WINDOWED
    if windowed and settings.values["local_window"] > settings.values["MAX_ITEM_LIST_LENGTH"]:
        settings.fail("local_window", f"must be at most {settings.named('MAX_ITEM_LIST_LENGTH')}")


def _frequencies(settings: Settings) -> None:
    """n slots have n // 2 + 1 frequencies; a dual encoder reads an item's users."""
    if "frequency_filter" not in _mixers(settings):
        return
    for slots in ("MAX_ITEM_LIST_LENGTH", "max_users"):
        most = settings.values.get(slots, 0) // 2 + 1
        if slots in settings.values and settings.values["filter_frequencies"] > most:
            named = settings.named(slots)
            settings.fail("filter_frequencies", f"must be at most {most} with {named}")


def _shares_of_a_sum(settings: Settings) -> None:
    shares, mixers = settings.get("attention_shares"), _mixers(settings)
    if shares is not None and (len(mixers) < 2 or len(shares) != len(mixers)):
        attention = settings.named("attention")
        settings.fail("attention_shares", f"needs a number for each of several, not {attention}")


def _position_bias(settings: Settings) -> None:
    """It is one of scores of queries and keys, and rotary turns pairs of numbers."""
    if settings.get("position_bias") in (None, "none"):
        return
    if "dot_product" not in _mixers(settings):
        settings.fail("position_bias", f"needs dot_product, not {settings.named('attention')}")
    heads, local = settings.values["n_heads"], settings.named("local_attention")
    if settings.get("local_attention") in _SCORELESS and settings.get("n_local_heads") == heads:
        settings.fail("position_bias", f"needs a head with scores; all heads are {local}")
    if settings.get("position_bias") == "rotary" and settings.values["hidden_size"] // heads % 2:
        settings.fail(
            "position_bias",
            f"needs an even number of dimensions a head: {settings.named('hidden_size')} "
            f"over {settings.named('n_heads')}",
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
    _attention,
    _batch_by,
    _position_only,
    _local_heads,
    _frequencies,
    _shares_of_a_sum,
    _position_bias,
    _one_warmup,
    _clipping,
    _applies,
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
