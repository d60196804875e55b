"""Checks of the keys that say what an item's, a user's and a score's vectors are made of."""

from __future__ import annotations

import os
from pathlib import Path

from recbole_ext.config.settings import Settings

_VECTOR_FILES = (".csv", ".npz", ".npy", ".safetensors")
_OF_PARTS = {
    "feature_combination": "concat",
    "item_id_embedding": False,
    "score_with_features": False,
}


def _user_half(settings: Settings) -> None:
    size = settings.get("hidden_size")
    if settings.get("user_embedding") == "concat" and size and size % 2:
        settings.fail(
            "hidden_size",
            f"must be even: {settings.named('user_embedding')} gives half of it to the user",
        )


def _users_to_replace(settings: Settings) -> None:
    if settings.get("sse_user_prob") and settings.get("user_embedding") != "concat":
        settings.fail(
            "sse_user_prob",
            f"needs user_embedding: concat, not {settings.named('user_embedding')}",
        )


def _one_length(settings: Settings) -> None:
    if settings.get("score") == "cosine" and settings.get("user_embedding") == "concat":
        settings.fail(
            "score",
            f"cannot stand beside {settings.named('user_embedding')}: half of a state is about the "
            "user, and there is no cosine of that half and an item; take score: dot",
        )


def _item_features(settings: Settings) -> None:
    names = settings.get("item_features") or []
    if len(set(names)) < len(names):
        settings.fail("item_features", "names a column twice")
    if "" in names or settings.get("ITEM_ID_FIELD") in names:
        settings.fail(
            "item_features", "must name columns of the .item file other than the item's id"
        )
    embedded = set(names) & set(settings.get("numerical_features") or [])
    if embedded:
        settings.fail("item_features", f"and numerical_features both name {min(embedded)}")


def _vector_file(settings: Settings) -> None:
    path = settings.get("pretrained_items")
    if path is None:
        return
    if Path(path).suffix not in _VECTOR_FILES:
        settings.fail("pretrained_items", f"must end in one of {', '.join(_VECTOR_FILES)}")
    if not os.path.isfile(path):  # Path.is_file raises where a name is too long
        settings.fail("pretrained_items", "is no file")


def _parts_to_combine(settings: Settings) -> None:
    if settings.get("codes") is not None:
        return  # they are what items are made of: code_checks.py
    if settings.get("item_features") or settings.get("pretrained_items"):
        if not settings.get("item_id_embedding") and not settings.get("score_with_features"):
            settings.fail(
                "item_id_embedding",
                f"and {settings.named('score_with_features')} leave nothing to score items with",
            )
        return
    for key, value in _OF_PARTS.items():
        if settings.get(key) == value:
            settings.fail(key, "needs item_features or pretrained_items")


FEATURE_CHECKS = (
    _user_half,
    _users_to_replace,
    _one_length,
    _item_features,
    _vector_file,
    _parts_to_combine,
)
