"""Position correlation, learned positional attention and the fixed patterns."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext import load, run
from recbole_ext.analysis.slot_maps import (
    attention_numbers,
    by_row_maximum,
    correlation,
    correlation_numbers,
    pattern_numbers,
)

Settings = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("causal", [True, False])
def test_correlation_entry_by_entry(causal: bool) -> None:
    """exp(p_i · p_j / √d), the lower triangle, each ROW divided by its own maximum."""
    table = np.random.default_rng(2).normal(size=(5, 4))
    found = correlation(table, causal)
    for i in range(5):
        row = [
            math.exp(float(table[i] @ table[j]) / 2) if j <= i or not causal else 0.0
            for j in range(5)
        ]
        np.testing.assert_allclose(found[i], np.array(row) / max(row))


def test_rows_by_their_maximum() -> None:
    matrix = np.array([[1.0, 2.0], [0.0, 0.0], [-4.0, 1.0]])
    assert by_row_maximum(matrix).tolist() == [[0.5, 1.0], [0.0, 0.0], [1.0, 0.25]]


def test_the_fixed_patterns() -> None:
    panels = pattern_numbers()["panels"]
    assert [len(one["matrix"]) for one in panels] == [50] * 3 + [200] * 3
    average, linear, exponential = (np.array(one["matrix"]) for one in panels[3:])
    lower = np.tril(np.ones((200, 200)))
    assert (average == lower).all()
    np.testing.assert_allclose(linear[99, :100], np.arange(1, 101) / 100, atol=6e-5)
    np.testing.assert_allclose(exponential[199, -4:], np.exp([-3, -2, -1, 0]), atol=6e-5)
    assert not linear[~lower.astype(bool)].any()


@torch.no_grad()
def test_what_a_run_has_learned(trained: Path) -> None:
    runs = [load(trained / name) for name in ("FPARec", "SASRec", "BERT4Rec", "GRU4Rec")]
    labels = ["a", "b", "c", "d"]
    learned = attention_numbers(runs, labels)["panels"]
    assert [(one["run"], one["title"]) for one in learned] == [
        ("a", "a\nlayer 1"), ("a", "a\nlayer 2"),
    ]  # fmt: skip
    mixer = runs[0].model.encoder.blocks[1].mixer
    scores = (mixer.query_slots[0] @ mixer.key_slots[0].T / math.sqrt(16)).double().numpy()
    expected = np.tril(np.exp(scores))
    expected /= expected.max(1, keepdims=True)
    np.testing.assert_allclose(learned[1]["matrix"], expected, atol=1e-5)
    correlated = correlation_numbers(runs, labels)["panels"]
    assert [one["run"] for one in correlated] == ["b", "c"]
    table = runs[2].model.position_embedding.weight.double().numpy()
    np.testing.assert_allclose(correlated[1]["matrix"], correlation(table, False), atol=1e-5)
    assert (np.triu(correlated[0]["matrix"], 1) == 0).all()
    assert correlated[1]["lowest_in_sight"] == np.min(correlated[1]["matrix"])


def test_a_dual_encoder_is_no_layer_of_the_model(settings: Settings) -> None:
    chosen = settings(epochs=1, n_layers=2, dual_layers=1, attention="positional")
    done = run("DualSASRec", "ring", config_dict=chosen)
    panels = attention_numbers([done], ["A"])["panels"]
    assert [one["title"] for one in panels] == ["A\nlayer 1", "A\nlayer 2"]
    assert [len(one["matrix"]) for one in panels] == [8, 8]


def test_layers_of_a_sum_of_mixers(settings: Settings) -> None:
    """Its parts have the number of their block; the content-based ones have no map."""
    chosen = settings(epochs=1, n_layers=2, n_heads=2)
    chosen["attention"] = ["dot_product", "relative_positional", "positional"]
    done = run("VanillaAR", "ring", config_dict=chosen)
    titles = [one["title"] for one in attention_numbers([done], ["A"])["panels"]]
    assert titles == [
        f"A\nlayer {layer}, part {part}, head {head}"
        for layer in (1, 2) for part in (2, 3) for head in (1, 2)
    ]  # fmt: skip
