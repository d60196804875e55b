"""Keys that mean something only beside a certain value of another key.

A value that does not apply is null in the resolved configuration where a model's own file gave it
as a default, and refused where a user did. So ``--direction=ar`` turns a preset of ``ae`` around
without a word about its ``mask_ratio``, and a run's config.yaml can be read back as a user's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from recbole_ext.config.keys import SAMPLED_LOSSES
from recbole_ext.config.layers import Layer

# key -> the other key and its values; a key after those it depends on
APPLIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "mask_ratio": ("direction", ("ae",)),
    "mask_last_prob": ("direction", ("ae",)),
    "n_negatives": ("loss_type", SAMPLED_LOSSES),
    "negative_sampling": ("loss_type", SAMPLED_LOSSES),
    "negatives_shared": ("loss_type", SAMPLED_LOSSES),
    "popularity_exponent": ("negative_sampling", ("popularity",)),
    "in_batch_share": ("negative_sampling", ("mixed",)),
    "gbce_t": ("loss_type", ("gBCE",)),
    "dual_temperature": ("consistency", ("infonce",)),
    "logq_correction": ("loss_type", ("sampled_softmax",)),
    "exclude_history": ("loss_type", SAMPLED_LOSSES),
    "n_codes": ("codes", ("rq", "pq", "random")),
}


def drop_idle_defaults(values: dict[str, Any], given: Mapping[str, Layer]) -> set[str]:
    """Set the defaults that do not apply to null, in place; returns their keys."""
    dropped = set()
    for key in APPLIES:
        default = key in given and given[key].own
        if default and values.get(key) is not None and not applies(key, values):
            values[key] = None
            dropped.add(key)
    return dropped


def applies(key: str, values: Mapping[str, Any]) -> bool:
    """Whether ``key`` means something beside these values."""
    other, needed = APPLIES[key]
    return values.get(other) in needed


def misplaced(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys with a value though they do not apply, or without one though they do, and why."""
    for key, (other, needed) in APPLIES.items():
        if key not in values:
            continue
        if applies(key, values) and values[key] is None:
            yield key, "needs a value with"
        elif not applies(key, values) and values[key] is not None:
            yield key, f"is for {other}: {' or '.join(needed)}, not for"
