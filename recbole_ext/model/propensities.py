"""The inverse-propensity weights of a configuration."""

from __future__ import annotations

from typing import Any

from recbole_ext.data.popularity import target_counts
from recbole_ext.nn.propensities import PropensityWeights


def build_propensity_weights(config: Any, dataset: Any) -> PropensityWeights | None:
    """What ``ips_exponent`` and ``ips_clip`` make of the training targets; None where it is 0."""
    exponent = config["ips_exponent"]
    if not exponent:
        return None
    return PropensityWeights(target_counts(config, dataset), exponent, config["ips_clip"])
