"""The sampled losses of a configuration: where negatives come from and what is made of them."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor

from recbole_ext.data.popularity import expected_targets, target_counts
from recbole_ext.errors import ConfigError
from recbole_ext.nn.cloze import Cloze
from recbole_ext.nn.embedding import PAD
from recbole_ext.nn.negatives import InBatch, NegativeSampler, Popularity, Source, Uniform
from recbole_ext.nn.sampled_losses import (
    SampledLoss,
    bpr,
    gbce_beta,
    generalized_bce,
    sampled_softmax,
)


def build_sampler(
    config: Any, dataset: Any, n_items: int, cloze: Cloze | None = None
) -> NegativeSampler:
    """The source or sources that ``negative_sampling`` names.

    Args:
        n_items: V, PAD not counted.
        cloze: which items are asked for under ``direction: ae``.

    Raises:
        ConfigError: as many negatives as there are other items, or more.
    """
    count = config["n_negatives"]
    if count >= n_items:
        raise ConfigError(
            f"n_negatives: {count} must be smaller than the catalogue of {n_items:,} items; "
            "loss_type: CE takes all of them"
        )
    return NegativeSampler(_sources(config, dataset, n_items, count, cloze), _shared(config))


def _shared(config: Any) -> bool:
    """Whether a batch has one draw; ``auto``: not where each score is judged by itself (BCE)."""
    if config["negatives_shared"] == "auto":
        return config["loss_type"] in ("BPR", "sampled_softmax")
    return bool(config["negatives_shared"] == "batch")


def _sources(
    config: Any, dataset: Any, n_items: int, count: int, cloze: Cloze | None
) -> list[tuple[Source, int]]:
    sampling = config["negative_sampling"]
    if sampling == "uniform":
        return [(Uniform(n_items), count)]
    if sampling == "popularity":
        counts = target_counts(config, dataset)
        return [(Popularity(counts, config["popularity_exponent"]), count)]
    targets = InBatch(_batch_targets(config, dataset, cloze))
    if sampling == "in_batch":
        return [(targets, count)]
    in_batch = min(max(round(config["in_batch_share"] * count), 1), count - 1)
    return [(targets, in_batch), (Uniform(n_items), count - in_batch)]


def _batch_targets(config: Any, dataset: Any, cloze: Cloze | None) -> Tensor:
    """[V + 1] how often each item is to be found among the targets of batches, up to a factor.

    Stochastic shared embeddings put items at random in the place of targets, those too that are
    never one of their own: without their share such a draw would have q = 0, an infinite loss.
    """
    if cloze is None:
        counts = target_counts(config, dataset).double()
    else:
        counts = expected_targets(config, dataset, cloze)
    replaced = config["sse_target_prob"] or 0.0
    items = counts[PAD + 1 :]
    items.copy_((1.0 - replaced) * items + replaced * items.mean())
    return counts


def build_loss(config: Any, n_items: int) -> SampledLoss:
    """What ``loss_type`` makes of the scores of a target and its negatives; ``n_items``: V."""
    kind = config["loss_type"]
    if kind == "BPR":
        return bpr
    if kind == "sampled_softmax":
        return partial(sampled_softmax, logq_correction=config["logq_correction"])
    t = config["gbce_t"] if kind == "gBCE" else 0.0
    return partial(generalized_bce, beta=gbce_beta(config["n_negatives"], n_items, t))
