"""The peers. A new one is a small file in peers/ and an entry here."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Peer:
    """A program that measures itself: ``python -m module <task as JSON>``.

    Attributes:
        title: its row's name.
        module: prints :class:`benchmarks.peers.protocol.Figures` as its last line.
        args: its own settings.
        python: the interpreter of its environment; None where the user has to name one.
    """

    title: str
    module: str
    args: dict[str, Any] = field(default_factory=dict)
    python: str | None = sys.executable


def _ours(title: str, model: str, **keys: Any) -> Peer:
    size = {"hidden_size": 64, "n_layers": 2}
    args = {"model": model, "keys": size | keys}
    return Peer(f"recbole_ext {title}", "benchmarks.peers.recbole_ext_models", args)


def _recbole(title: str, as_shipped: bool) -> Peer:
    module = "benchmarks.peers.recbole_sasrec"
    return Peer(f"RecBole SASRec, {title}", module, {"as_shipped": as_shipped})


def _rectools(title: str) -> Peer:
    module = "benchmarks.peers.rectools_sasrec"
    return Peer(f"RecTools {title}", module, {"longest_epoch": 60}, python=None)


BASE = "sasrec"

# FPARec keeps its paper's shape (a feed-forward network as wide as the states); VanillaAR has the
# shape of RecBole's SASRec, so that its row compares like with like.
PEERS: dict[str, Peer] = {
    "sasrec-as-shipped": _recbole("as it ships", as_shipped=True),
    BASE: _recbole("anomaly detection off", as_shipped=False),
    "rectools": _rectools("SASRec, softmax"),
    "fparec": _ours("FPARec", "FPARec", inner_size=64),
    "fparec-float32": _ours(
        "FPARec, float32 loss", "FPARec", inner_size=64, loss_precision="float32"
    ),
    "fparec-chunk": _ours(
        "FPARec, long_sequences: chunk", "FPARec", inner_size=64, long_sequences="chunk"
    ),
    "vanilla-ar": _ours(
        "VanillaAR", "VanillaAR", n_heads=2, inner_size=256, attn_output_projection=True
    ),
}

# The test of a whole data set: loader, model, metrics. The base stands first. The last peer ranks
# with the base's own model and weights, so that their metrics can be compared.
TEST_PEERS: dict[str, Peer] = {
    "recbole": Peer("RecBole, SASRec", "benchmarks.peers.recbole_ranking", {"part": "test"}),
    "recbole_ext": Peer(
        "recbole_ext, VanillaAR",
        "benchmarks.peers.recbole_ext_ranking",
        {
            "part": "test",
            "model": "VanillaAR",
            "keys": {"inner_size": 256, "attn_output_projection": True},
        },
    ),
    "recbole_ext-sasrec": Peer(
        "recbole_ext, RecBole's SASRec",
        "benchmarks.peers.recbole_ext_ranking",
        {"part": "test", "model": "SASRec", "keys": {"inner_size": 256}, "same_scores": True},
    ),
}

# From given scores to metrics, no model.
MATRIX_PEERS: dict[str, Peer] = {
    "recbole": Peer("RecBole", "benchmarks.peers.recbole_ranking", {"part": "matrix"}),
    "recbole_ext": Peer(
        "recbole_ext",
        "benchmarks.peers.recbole_ext_ranking",
        {"part": "matrix", "same_scores": True},
    ),
}

# How time and memory grow: on data where both train the same targets.
SCALING_PEERS: dict[str, Peer] = {
    "recbole": PEERS[BASE],
    "recbole_ext": Peer(
        "recbole_ext FPARec",
        PEERS["fparec"].module,
        {**PEERS["fparec"].args, "longest_epoch": 5},
    ),
}


def _mixer(title: str, attention: str | list[str] = "dot_product", **keys: Any) -> Peer:
    """One network for all: d = 64, 2 layers, 2 heads; only the mixing of positions differs."""
    shape = {
        "n_heads": 2,
        "inner_size": 256,
        "attention": attention,
        "position_embedding": "learned",
    }
    peer = _ours("", "ComposableRecommender", **{**shape, **keys})
    return Peer(title, peer.module, {**peer.args, "longest_epoch": 30})


def _local(title: str, kind: str) -> Peer:
    return _mixer(
        f"dot product, 1 of 2 heads local: {title}", n_local_heads=1, local_attention=kind
    )


# What a mixer costs, dot product being the base.
MIXER_PEERS: dict[str, Peer] = {
    "dot_product": _mixer("dot product"),
    "positional": _mixer("positional", "positional"),
    "factorized": _mixer("factorised positional", "factorized_positional"),
    "relative": _mixer("relative positional", "relative_positional"),
    "linear": _mixer("linear", "linear"),
    "token_mixing": _mixer("token mixing", "token_mixing", n_heads=1),
    "frequency": _mixer("frequency filter", "frequency_filter"),
    "filter_sum": _mixer("dot product + frequency filter", ["frequency_filter", "dot_product"]),
    "average": _mixer("fixed: average", "fixed_pattern"),
    "exponential": _mixer(
        "fixed: exponential annealing", "fixed_pattern", attention_pattern="exponential_annealing"
    ),
    "rotary": _mixer("dot product, rotary", position_bias="rotary"),
    "relative_bias": _mixer("dot product, relative bias", position_bias="relative"),
    "sum": _mixer("dot product + relative positional", ["dot_product", "relative_positional"]),
    "window": _local("window", "window"),
    "conv": _local("convolution", "conv"),
    "initial": _local("initial", "initial"),
    "rnn": _local("recurrent", "rnn"),
    "adaptive": _local("adaptive", "adaptive"),
}
