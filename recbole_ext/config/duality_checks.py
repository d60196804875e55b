"""Checks of the two directions between users and items."""

from __future__ import annotations

from recbole_ext.config.settings import Settings

_OF_ITEMS = ("item_features", "pretrained_items", "additional_feat_suffix", "preload_weight")


def _reads_forward(settings: Settings) -> None:
    """A user's vector is a state that has read the whole row; under AE some of it is hidden."""
    if settings.get("dual_weight") and settings.get("direction") != "ar":
        settings.fail("dual_weight", f"needs direction: ar, not {settings.named('direction')}")


def _next_user(settings: Settings) -> None:
    if settings.get("task") != "next_user":
        return
    if settings.kind != "sequential":
        settings.fail("task", f"is for sequential models, which {settings.model} is not")
    for key in _OF_ITEMS:
        if settings.get(key):
            settings.fail(key, f"describes what {settings.named('task')} turns round; omit it")


DUALITY_CHECKS = (_reads_forward, _next_user)
