"""Checks of the keys that say what an item's, a user's and a score's vectors are made of."""

from __future__ import annotations

from recbole_ext.config.settings import Settings


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


FEATURE_CHECKS = (_user_half, _users_to_replace)
