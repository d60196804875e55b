"""Checks of the keys that make items out of codes."""

from __future__ import annotations

from recbole_ext.config.settings import Settings

# Keys of the composable recommender for which a sum of code vectors has no place.
_WITHOUT_PLACE = {
    "pretrained_items": (None, "codes take no vectors from a file"),
    "feature_combination": ("sum", "the codes' is code_combination"),
    "score_with_features": (True, "the codes are what items are scored with"),
    "padding_as_class": (False, "PAD has no codes"),
    "padding_row": ("zero", "PAD has no codes"),
    "score": ("dot", "partial sums are inner products; a cosine needs each item's length"),
    "user_embedding": ("none", "partial sums have no column for the user's term"),
}


def _places(settings: Settings) -> None:
    for key, (allowed, why) in _WITHOUT_PLACE.items():
        if settings.get(key) != allowed:
            settings.fail(key, f"cannot stand beside {settings.named('codes')}: {why}")


def _columns(settings: Settings) -> None:
    attributes = settings.get("codes") == "attributes"
    if attributes and not settings.get("item_features"):
        settings.fail("codes", "needs item_features: the columns that become codes")
    if not attributes and settings.get("item_features"):
        settings.fail(
            "item_features", f"are codes of codes: attributes, not {settings.named('codes')}"
        )


def _widths(settings: Settings) -> None:
    levels, size = n_codes(settings), settings.values["hidden_size"]
    if settings.get("code_combination") == "concat" and size % levels:
        settings.fail(
            "code_combination", f"needs {levels} codes to divide {settings.named('hidden_size')}"
        )
    if settings.get("codes") == "pq" and levels > size:
        settings.fail("n_codes", f"must be at most {settings.named('hidden_size')} with codes: pq")


def _exact(settings: Settings) -> None:
    if settings.get("loss_precision") == "bfloat16" and not settings.get("item_id_embedding"):
        settings.fail("loss_precision", "must be float32 or auto: partial products are summed so")


def n_codes(settings: Settings) -> int:
    """M."""
    columns = settings.get("item_features") if settings.get("codes") == "attributes" else None
    return len(columns) if columns else int(settings.values["n_codes"])


def _codes(settings: Settings) -> None:
    """For the one model that has them."""
    if settings.get("codes") is None:
        return
    for check in (_places, _columns, _widths, _exact):
        check(settings)


CODE_CHECKS = (_codes,)
