"""The inverse-propensity weights of a configuration."""

from __future__ import annotations

from typing import Any

from recbole_ext.data.popularity import expected_targets, target_counts, training_counts
from recbole_ext.nn.cloze import Cloze
from recbole_ext.nn.propensities import PropensityWeights


def build_propensity_weights(
    config: Any, dataset: Any, cloze: Cloze | None = None
) -> PropensityWeights | None:
    """What ``ips_exponent`` and ``ips_clip`` make of the training targets; None where it is 0.

    Args:
        cloze: which items are asked for under ``direction: ae``.
    """
    exponent = config["ips_exponent"]
    if not exponent:
        return None
    counts = training_counts(config, dataset)
    if cloze is None:
        asked = target_counts(config, dataset)
    else:
        asked = expected_targets(config, dataset, cloze)
    return PropensityWeights(counts, exponent, config["ips_clip"], asked)
