"""Checks of what mixes positions: attentions, sums of them, local heads, position biases."""

from __future__ import annotations

from recbole_ext.config.keys import mixers, position_only_mixers
from recbole_ext.config.settings import Settings
from recbole_ext.nn.attention.frequency import n_frequencies
from recbole_ext.nn.attention.local import LOCAL_HEADS, LocalHeads, LocalValues

_POSITION_ONLY = {"mask_after_softmax": ("token_mixing",), "unused_qk_projections": ()}


def _attention(settings: Settings) -> None:
    if settings.own and settings.get("attention") == []:
        settings.fail("attention", f"names no mixer; there are {', '.join(mixers())}")


def _mixers(settings: Settings) -> list[str]:
    """The names under ``attention``: one, or several that are summed."""
    given = settings.get("attention")
    return given if isinstance(given, list) else [given]


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
    windowed = _local_kind(settings).uses_window
    if windowed and settings.values["local_window"] > settings.values["MAX_ITEM_LIST_LENGTH"]:
        settings.fail("local_window", f"must be at most {settings.named('MAX_ITEM_LIST_LENGTH')}")


def _local_kind(settings: Settings) -> type[LocalHeads]:
    """What local heads are; a user's own model need not say it."""
    return LOCAL_HEADS.get(settings.values.get("local_attention", ""), LocalHeads)


def _frequencies(settings: Settings) -> None:
    """No more than the slots have; a dual encoder also reads an item's users."""
    if "frequency_filter" not in _mixers(settings):
        return
    for slots in ("MAX_ITEM_LIST_LENGTH", "max_users"):
        most = n_frequencies(settings.values.get(slots, 0))
        if slots in settings.values and settings.values["filter_frequencies"] > most:
            named = settings.named(slots)
            settings.fail("filter_frequencies", f"must be at most {most} with {named}")


def _shares_of_a_sum(settings: Settings) -> None:
    shares, mixers = settings.get("attention_shares"), _mixers(settings)
    if shares is not None and (len(mixers) < 2 or len(shares) != len(mixers)):
        attention = settings.named("attention")
        settings.fail("attention_shares", f"needs a number for each of several, not {attention}")


def _sum_of_sublayers(settings: Settings) -> None:
    if settings.get("attention_sum") != "sublayers":
        return
    if len(_mixers(settings)) < 2:
        settings.fail("attention_sum", f"needs several mixers, not {settings.named('attention')}")
    if settings.get("norm_position") != "post":
        named = settings.named("norm_position")
        settings.fail("attention_sum", f"needs norm_position: post, not {named}")


def _filter_direction(settings: Settings) -> None:
    """A filter that looks ahead shows all positions but the newest their targets."""
    ahead = settings.get("filter_direction") == "both" and settings.get("direction") == "ar"
    if ahead and settings.get("train_objective") != "last_position":
        named = settings.named("train_objective")
        settings.fail("filter_direction", f"needs train_objective: last_position, not {named}")


def _position_bias(settings: Settings) -> None:
    """It is one of scores of queries and keys, and rotary turns pairs of numbers."""
    if settings.get("position_bias") in (None, "none"):
        return
    if "dot_product" not in _mixers(settings):
        settings.fail("position_bias", f"needs dot_product, not {settings.named('attention')}")
    heads, local = settings.values["n_heads"], settings.named("local_attention")
    all_local = settings.get("n_local_heads") == heads
    if all_local and issubclass(_local_kind(settings), LocalValues):
        settings.fail("position_bias", f"needs a head with scores; all heads are {local}")
    if settings.get("position_bias") == "rotary" and settings.values["hidden_size"] // heads % 2:
        settings.fail(
            "position_bias",
            f"needs an even number of dimensions a head: {settings.named('hidden_size')} "
            f"over {settings.named('n_heads')}",
        )


ATTENTION_CHECKS = (
    _attention,
    _position_only,
    _local_heads,
    _frequencies,
    _shares_of_a_sum,
    _sum_of_sublayers,
    _filter_direction,
    _position_bias,
)
